/** From what a request wants embedded to what the encoder reads. */
import type { Embedder } from '../../runtime/embedder.ts'
import type { EncodedText } from '../../runtime/post-processor.ts'
import type { EmbedQuestion, RefusedInput } from './messages.ts'

/** The tokens of an input, or why it has none that the embedder reads. Token ids are read as they are. */
export function readInput(
  {
    added,
    encode,
    encodePair,
    maxTokens,
    vocab,
  }: Pick<Embedder, 'added' | 'encode' | 'encodePair' | 'maxTokens' | 'vocab'>,
  { inputs, keep }: Pick<EmbedQuestion, 'inputs' | 'keep'>,
  index: number,
): EncodedText | RefusedInput {
  const input = inputs[index]!
  const most = keep === null ? maxTokens : Math.min(maxTokens, Math.max(keep, added + 1))
  if (typeof input === 'string') {
    const { length, ...text } = encode(input, most)
    if (length === 0) return { index, reason: 'empty', got: 0 }
    return text.truncated && keep === null ? { index, reason: 'too long', got: length } : text
  }
  if ('first' in input) return encodePair(input.first, input.second)
  const unknown = input.find((id) => id >= vocab)
  if (unknown !== undefined) return { index, reason: 'unknown token', got: unknown }
  if (input.length > most && keep === null) return { index, reason: 'too long', got: input.length }
  const ids = input.slice(0, most)
  return { ids, types: ids.map(() => 0) }
}
