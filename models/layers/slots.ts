/**
 * Memory slots: a chunk of tokens is pooled for each slot, and a gated write moves the slots by what was pooled
 * (Rolling State Memory, section A0 of the systems' description). Letters: M slots, S tokens of one chunk.
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, parameter, stateOf, vector } from '../spec.ts'

export type Pooling = 'attention' | 'mean'

export const poolParams = (pooling: Pooling, width: number) =>
  pooling === 'attention' ? { query: matrix([width, width]), key: matrix([width, width]) } : {}

/** The pooled part of the unfinished chunk: the running sums of a softmax, or a plain sum. */
export const poolState = (pooling: Pooling, slots: number, width: number) =>
  pooling === 'attention'
    ? { highest: stateOf(slots, 1), total: stateOf(slots, 1), sum: stateOf(slots, width) }
    : { sum: stateOf(1, width) }

type PoolState<T> = { readonly highest?: T; readonly total?: T; readonly sum: T }

/**
 * Adds the tokens x (B,S,D) to the pool; where `fresh` (B,1,1) is true they are the first tokens of a chunk. Queries
 * come from the slots (B,M,D) as they were committed before the chunk, so a chunk may come in several calls.
 */
export function pool<T>(
  op: Ops<T>,
  width: number,
  p: { readonly query?: T; readonly key?: T },
  memory: T,
  x: T,
  before: PoolState<T>,
  fresh: T,
): PoolState<T> {
  if (!p.query || !p.key || !before.highest || !before.total) return { sum: op.add(before.sum, op.sum(x, 1, true)) }
  const scores = op.mul(
    op.matmul(op.matmul(memory, p.query), op.transpose(op.matmul(x, p.key), [0, 2, 1])),
    op.constant(1 / Math.sqrt(width)),
  ) //                                                                                          (B, M, S)
  const past = op.where(fresh, op.constant(-1e9), before.highest)
  // A softmax does not depend on what is subtracted, so no derivative flows through the maximum
  const highest = op.detach(op.maximum(past, op.max(scores, -1, true)))
  const rescale = op.exp(op.sub(past, highest))
  const shares = op.exp(op.sub(scores, highest))
  return {
    highest,
    total: op.add(op.mul(before.total, rescale), op.sum(shares, -1, true)),
    sum: op.add(op.mul(before.sum, rescale), op.matmul(shares, x)),
  }
}

/** The summary of a full chunk of `chunk` tokens: (B,M,D), or (B,1,D) for the mean. */
export const pooled = <T>(op: Ops<T>, s: PoolState<T>, chunk: number): T => op.div(s.sum, s.total ?? op.constant(chunk))

export const writeParams = (width: number) => ({
  gate: matrix([width, width]),
  gateBias: vector([width], 0),
  keep: parameter([width, width], { kind: 'identity', scale: 0.9 }),
  take: matrix([width, width]),
})

/** Gated state-space write: G = sigmoid(s Wg + b), U = tanh(M A + s B), M <- (1 - G) M + G U. */
export function write<T>(op: Ops<T>, p: Of<ReturnType<typeof writeParams>, T>, memory: T, summary: T): T {
  const gate = op.tap(op.sigmoid(op.add(op.matmul(summary, p.gate), p.gateBias)), 'write.gate')
  const update = op.tanh(op.add(op.matmul(memory, p.keep), op.matmul(summary, p.take))) //      (B, M, D)
  return op.add(memory, op.mul(gate, op.sub(update, memory)))
}
