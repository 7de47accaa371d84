/** Where a piece of tokens lies in its chunk, for what is written when a chunk is full. */
import type { Ops } from '../ops.ts'

export interface ChunkPosition<T> {
  /** (B,1): its last token is the chunk's; then the next piece begins a chunk. */
  readonly ends: T
  /** The same as (B,1,1). */
  readonly full: T
  /** (B,1,1): its first token is the chunk's. */
  readonly fresh: T
  /** (B,1): tokens of the unfinished chunk after it. */
  readonly position: T
}

/** x (B,S) or (B,S,D) are tokens of one chunk of `length`, of which `position` (B,1) came before them. */
export function chunkPosition<T>(op: Ops<T>, x: T, position: T, length: number): ChunkPosition<T> {
  const reached = op.add(position, op.add(op.max(op.iota(x, 1), 0), op.constant(1)))
  const ends = op.less(op.constant(length - 0.5), reached)
  return {
    ends,
    full: op.reshape(ends, [0, 1, 1]),
    fresh: op.less(op.reshape(position, [0, 1, 1]), op.constant(0.5)),
    position: op.where(ends, op.constant(0), reached),
  }
}
