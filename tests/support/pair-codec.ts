/**
 * The byte codec with a token for each pair of a letter and `e`. The fake model samples single letters, so its replies are
 * other tokens than their text is encoded to.
 */
import { reencode } from '../../runtime/reencode.ts'
import type { TextCodec } from '../../runtime/text.ts'
import { byteCodec, END } from './fake-model.ts'

const [A, Z, E] = [...Buffer.from('aze')] as [number, number, number]
/** The token of `ae`; those of the other letters follow. */
const FIRST_PAIR = 200

export const pairCodec: TextCodec = {
  ...byteCodec,
  longestToken: 2,
  encode,
  encodeWithSpecial: encode,
  bytes,
  decode: (ids) => byteCodec.decode(ids.flatMap(bytes)),
  reencode: (prompt, reply) => reencode(segments, pairCodec.decode, prompt, reply),
  chat: (messages, options) => byteCodec.chat(messages, options).reduce<number[]>(joined, []),
  detokenizer() {
    const { push, flush } = byteCodec.detokenizer()
    return { push: (id) => bytes(id).map(push).join(''), flush }
  },
}

const segments: Parameters<typeof reencode>[0] = {
  isSpecial: (id) => id >= END,
  encodeSegments: (all) => encode(all.map(({ text }) => text).join('')),
}

function encode(text: string): number[] {
  return [...Buffer.from(text)].reduce<number[]>(joined, [])
}

/** `ids` and one more, which may make a pair with the last one. */
function joined(ids: number[], id: number): number[] {
  const last = ids.at(-1) ?? 0
  if (id === E && last >= A && last <= Z) ids[ids.length - 1] = FIRST_PAIR + last - A
  else ids.push(id)
  return ids
}

function bytes(id: number): number[] {
  if (id >= FIRST_PAIR && id <= FIRST_PAIR + Z - A) return [A + id - FIRST_PAIR, E]
  return byteCodec.bytes(id)
}
