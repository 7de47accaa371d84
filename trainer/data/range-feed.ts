/** What a row reads of its files, with a hash of what it has read. */
import { createHash, type Hash } from 'node:crypto'
import type { Range } from './stretches.ts'
import type { Feed, FeedPosition, StreamPosition } from './stream.ts'
import type { Piece, TokenFile } from './token-file.ts'

export interface RangePosition extends FeedPosition {
  /** Which of the row's ranges. */
  readonly range: number
  /** Where in the file the piece with the next token begins. */
  readonly offset: number
}

/** What a row has read in its first pass. */
export interface ReadSoFar {
  /** Of the bytes of all pieces that it has gone over. */
  readonly hash: Hash
  /** Whether that is all of its stretch. */
  readonly whole: boolean
  /** The piece that it is in, where it has taken tokens of it. */
  readonly current: Piece | undefined
}

export interface RangeFeed extends Feed<RangePosition> {
  /** The sha256 of the bytes that were read in the first pass, up to the position. */
  digest(position: StreamPosition<RangePosition>): string
}

const nothing = (): ReadSoFar => ({ hash: createHash('sha256'), whole: false, current: undefined })

/** The pieces of a row's ranges, again and again. */
export function rangeFeed(
  files: readonly TokenFile[],
  ranges: readonly Range[],
  read: ReadSoFar = nothing(),
): RangeFeed {
  const { hash } = read
  let { whole, current } = read
  const rangeAt = ({ range }: RangePosition): Range => ranges[range] as Range
  const fileAt = (position: RangePosition): TokenFile => files[rangeAt(position).file] as TokenFile
  return {
    about: (position) => fileAt(position).name,
    first: () => Promise.resolve({ range: 0, offset: ranges[0]!.from, pass: 0 }),
    async read(position) {
      const piece = await fileAt(position).read(position.offset, rangeAt(position).to)
      current ??= piece
      return piece
    },
    async after(position, { next }) {
      if (next < rangeAt(position).to) return { ...position, offset: next }
      const range = (position.range + 1) % ranges.length
      return { range, offset: ranges[range]!.from, pass: position.pass + (range === 0 ? 1 : 0) }
    },
    passed({ bytes }, next, ahead) {
      if (!whole && bytes) hash.update(bytes)
      whole ||= next.pass > 0
      current = ahead
    },
    digest(position) {
      const digest = hash.copy()
      if (!whole && current) digest.update(takenOf(current, position))
      return digest.digest('hex')
    },
  }
}

/** A place in a piece. */
interface TokenPlace {
  readonly token: number
  readonly inside: boolean
}

/** Whether tokens of the piece at the position were taken, as inputs or as targets. */
export const isInside = ({ token, inside }: TokenPlace): boolean => token > 0 || inside

/** The bytes of a piece whose tokens were taken. */
export function takenOf(piece: Piece, place: TokenPlace): Uint8Array {
  if (!isInside(place) || !piece.bytes) return new Uint8Array()
  return piece.bytes.subarray(0, piece.bytesOf?.(place.token + (place.inside ? 1 : 0)))
}
