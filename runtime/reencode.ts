/** The ids of a reply's text, which may be others than those that were sampled. */
import type { Vocabulary } from './vocabulary.ts'

type Encoder = Pick<Vocabulary, 'isSpecial' | 'encodeSegments'>

/** How much of the prompt is encoded again with the reply: its last tokens may join with the reply's first ones. */
const TAIL_TOKENS = 64

/** The function behind TextCodec.reencode. */
export function reencode(
  vocabulary: Encoder,
  decode: (ids: readonly number[]) => string,
  prompt: readonly number[],
  reply: readonly number[],
): number[] | null {
  // Special tokens are not in the text.
  if (reply.some((id) => vocabulary.isSpecial(id))) return null
  const start = tailStart(vocabulary, prompt)
  const afterSpecial = start > 0 && vocabulary.isSpecial(prompt[start - 1] as number)
  const encode = (ids: readonly number[]): number[] =>
    vocabulary.encodeSegments([{ text: decode(ids), trusted: false }], afterSpecial)
  const tail = prompt.slice(start)
  if (!isSame(encode(tail), tail)) return null
  return [...prompt.slice(0, start), ...encode([...tail, ...reply])]
}

/** Where the text begins that the prompt ends with: after its last special token. */
function tailStart(vocabulary: Encoder, prompt: readonly number[]): number {
  const least = Math.max(0, prompt.length - TAIL_TOKENS)
  for (let at = prompt.length; at > least; at--) if (vocabulary.isSpecial(prompt[at - 1] as number)) return at
  return least
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at])
}
