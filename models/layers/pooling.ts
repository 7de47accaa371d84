/** From a vector for each token to one for the text, as sentence-transformers does it (Reimers & Gurevych 2019). */
import type { Ops } from '../ops.ts'

export const POOLINGS = ['mean', 'cls', 'max'] as const
export type Pooling = (typeof POOLINGS)[number]

export interface SentenceVector {
  /** `mean` and `max` over the tokens of the text, `cls` the first token. */
  readonly pooling: Pooling
  /** Whether the vector is divided by its length. */
  readonly normalize: boolean
}

/** hidden (B,T,D), mask (B,T) -> (B,D). */
export function sentenceVector<T>(op: Ops<T>, { pooling, normalize }: SentenceVector, hidden: T, mask: T): T {
  const pooled = pool(op, pooling, hidden, op.reshape(mask, [0, 0, 1]))
  if (!normalize) return pooled
  const length = op.sqrt(op.sum(op.mul(pooled, pooled), -1, true))
  return op.div(pooled, op.maximum(length, op.constant(1e-12)))
}

/** mask (B,T,1). */
function pool<T>(op: Ops<T>, pooling: Pooling, hidden: T, mask: T): T {
  if (pooling === 'cls') return firstToken(op, hidden)
  if (pooling === 'max') return op.max(op.where(op.less(op.constant(0.5), mask), hidden, op.constant(-1e9)), 1)
  return op.div(op.sum(op.mul(hidden, mask), 1), op.maximum(op.sum(mask, 1), op.constant(1e-9)))
}

/** hidden (B,T,D) -> (B,D). */
export const firstToken = <T>(op: Ops<T>, hidden: T): T => op.reshape(op.slice(hidden, 1, 0, 1), [0, -1])
