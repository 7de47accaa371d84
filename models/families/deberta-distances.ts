/** Which vector of a distance is that of two tokens, and picking its product (modeling_deberta_v2.py of transformers). */
import type { Ops } from '../ops.ts'

export interface DistanceTable {
  /** The table has this many distances on each side. */
  readonly span: number
  /** Half the number of distances that are told apart, below 1 for all. */
  readonly buckets: number
  readonly largest: number
  /** Tokens of the longest text. */
  readonly tokens: number
}

/** Rows of products (B,T,2S,.) as one list, for each pair (B,T,T): of the token that asks, and of the one that is asked. */
export interface DistanceRows<T> {
  readonly query: T
  readonly key: T
}

export function distanceRows<T>(op: Ops<T>, ids: T, table: DistanceTable): DistanceRows<T> {
  const { span, tokens } = table
  const count = 2 * tokens - 1
  const rows = op.table(
    Array.from({ length: count }, (_, i) => rowOf(i - (tokens - 1), table)),
    [count, 1],
  )
  const at = op.iota(ids, 1) //                                                                (T)
  const apart = op.sub(op.reshape(at, [-1, 1]), op.reshape(at, [1, -1])) //                    (T, T): i - j
  const row = op.reshape(op.gather(rows, op.int32(op.add(apart, op.constant(tokens - 1)))), [0, -1])
  // The list has the 2S products of one token after those of the one before it, row of the batch after row.
  const time = op.add(op.max(at, 0), op.constant(1))
  const before = op.mul(op.reshape(op.iota(ids, 0), [-1, 1, 1]), time) //                      (B, 1, 1)
  const of = (shape: readonly number[]): T =>
    op.int32(op.add(op.mul(op.add(before, op.reshape(at, shape)), op.constant(2 * span)), row))
  return { query: of([1, -1, 1]), key: of([1, 1, -1]) }
}

/** products (B,H,T,2S) at `rows` (B,T,T): (B,H,T,T). */
export function pickByDistance<T>(op: Ops<T>, products: T, rows: T, heads: number): T {
  const list = op.reshape(op.transpose(products, [0, 2, 3, 1]), [-1, heads]) //                (B*T*2S, H)
  return op.transpose(op.gather(list, rows), [0, 3, 1, 2])
}

/** The row of the table for the distance from a token to one that stands `apart` before it. */
function rowOf(apart: number, { span, buckets, largest }: DistanceTable): number {
  const distance = buckets > 0 && largest > 0 ? bucketOf(apart, buckets, largest) : apart
  return Math.min(Math.max(distance + span, 0), 2 * span - 1)
}

/** Distances up to half the buckets are their own, larger ones share buckets that grow by powers. */
function bucketOf(apart: number, buckets: number, largest: number): number {
  const middle = Math.floor(buckets / 2)
  const distance = Math.abs(apart)
  if (distance <= middle) return apart
  const f = Math.fround
  const share = f(f(Math.log(f(distance / middle))) / f(Math.log(f((largest - 1) / middle))))
  return Math.sign(apart) * (Math.ceil(f(share * (middle - 1))) + middle)
}
