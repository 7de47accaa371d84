/** A file of training data as tokens. */
import type { TextCodec } from '../../runtime/text.ts'
import { type Mode, tokensOf, type WeightedIds } from './document.ts'
import type { DocumentFile } from './document-file.ts'
import type { LeftOut } from './left-out.ts'

/** A run of tokens that belongs to one document. */
export interface Piece extends WeightedIds {
  /** What it was made of, as it is in the file; absent where nobody compares it. */
  readonly bytes?: Uint8Array
  /** How many of the bytes so many of its first tokens were made of; all of them when absent. */
  bytesOf?(tokens: number): number
  /** Where the next piece begins. */
  readonly next: number
  /** Whether the document ends with this piece. */
  readonly ends: boolean
}

/** An open file; places in it are counted in bytes of text or in tokens of a shard. */
export interface TokenFile {
  readonly name: string
  readonly size: number
  readonly unit: 'bytes' | 'tokens'
  /** The first place at or after `place` where reading may begin. */
  align(place: number): Promise<number>
  /** The piece that begins at `from`; it stays before `to`. The same arguments give the same piece. */
  read(from: number, to: number): Promise<Piece>
  /** The bytes from one place to before another, in chunks. */
  chunks(from: number, to: number): AsyncIterable<Uint8Array>
}

/** The file's documents as tokens. Documents that the chat template refuses are left out, like rows that cannot be used. */
export function tokenized(file: DocumentFile, mode: Mode, codec: TextCodec, leftOut: LeftOut): TokenFile {
  return {
    name: file.name,
    size: file.size,
    unit: 'bytes',
    align: (place) => file.align(place),
    chunks: (from, to) => file.chunks(from, to),
    async read(from, to) {
      const { document, bytes, next, continues } = await file.read(from, to)
      const place = { bytes, next, ends: !continues || next >= to }
      if (document === undefined) return { ...place, ids: [] }
      try {
        const tokens =
          continues && 'text' in document ? { ids: codec.encode(document.text) } : tokensOf(document, mode, codec)
        return { ...place, ...tokens, ...(file.isOneDocument ? { bytesOf: byteCounter(tokens.ids, codec) } : {}) }
      } catch (problem) {
        leftOut.add(`${file.name}: byte ${from}`, problem)
        return { ...place, ids: [] }
      }
    },
  }
}

/** Counts the bytes of the first tokens of a piece; asked for more and more of them, it counts each once. */
function byteCounter(ids: ArrayLike<number>, codec: TextCodec): (tokens: number) => number {
  const lengths = byteLengths(codec)
  let [counted, bytes] = [0, 0]
  return (tokens) => {
    if (tokens < counted) [counted, bytes] = [0, 0]
    for (; counted < Math.min(tokens, ids.length); counted++) bytes += lengths[ids[counted]!]!
    return bytes
  }
}

const known = new WeakMap<TextCodec, Uint16Array>()

/** The number of bytes of each token. */
function byteLengths(codec: TextCodec): Uint16Array {
  const lengths = known.get(codec) ?? Uint16Array.from({ length: codec.vocabSize }, (_, id) => codec.bytes(id).length)
  known.set(codec, lengths)
  return lengths
}
