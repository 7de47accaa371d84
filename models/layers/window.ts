/**
 * Windows over what was held last: unfolding, masks of places that are still empty, and a summary by attention
 * (Stride Memory Transformer, section A1 of the systems' description).
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix } from '../spec.ts'

/** Added to a score, it leaves no share; two of them are still finite. */
const NEVER = -1e9

/** The `size` rows that end with each of the last S: (B, size-1+S, D) -> (B, S, size, D). */
export function unfold<T>(op: Ops<T>, rows: T, size: number, width: number): T {
  const at = (i: number): T => (i === size - 1 ? op.slice(rows, 1, i) : op.slice(rows, 1, i, i - size + 1))
  return op.concat(
    Array.from({ length: size }, (_, i) => op.reshape(at(i), [0, -1, 1, width])),
    2,
  )
}

/** What to add to scores of `size` places of which the last `held` (..., 1) are in use: (..., size), 0 or never. */
export function emptyMask<T>(op: Ops<T>, held: T, size: number): T {
  const place = op.table(
    Array.from({ length: size }, (_, i) => i),
    [size],
  )
  const used = op.less(op.sub(op.constant(size - 0.5), held), place)
  return op.where(used, op.constant(0), op.constant(NEVER))
}

/** What to add to scores so that each of `size` rows sees itself and what is before it: (size, size). */
export const causalMask = <T>(op: Ops<T>, size: number): T =>
  op.table(
    Array.from({ length: size * size }, (_, i) => (i % size <= Math.floor(i / size) ? 0 : NEVER)),
    [size, size],
  )

/** `keys`: channels in which a window is compared with its own mean. */
export const windowPoolParams = (width: number, keys: number) => ({
  query: matrix([width, keys]),
  key: matrix([width, keys]),
})

/** Sum of a_j W_j, a = softmax(q k' / sqrt(K)), q from the mean row: window (B,N,D), mask (B,1,N) -> (B,1,D). */
export function windowPool<T>(
  op: Ops<T>,
  c: { readonly keys: number; readonly dropout: number },
  p: Of<ReturnType<typeof windowPoolParams>, T>,
  window: T,
  mask: T,
): T {
  const mean = op.matmul(op.softmax(mask), window) // of the rows in use                         (B, 1, D)
  const scores = op.matmul(op.matmul(mean, p.query), op.transpose(op.matmul(window, p.key), [0, 2, 1]))
  const shares = op.softmax(op.add(op.mul(scores, op.constant(1 / Math.sqrt(c.keys))), mask)) //  (B, 1, N)
  return op.matmul(op.dropout(op.tap(shares, 'pool'), c.dropout), window)
}
