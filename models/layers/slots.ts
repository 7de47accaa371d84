/**
 * Memory slots that are read by cross attention and written once a chunk (Rolling State Memory, section A0 of the
 * systems' description). Letters: M slots, S tokens of this piece.
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, parameter, stateOf, vector } from '../spec.ts'

/** Gain and bias of a layer norm. */
export const layerNormParams = (width: number) => ({ gain: vector([width], 1), bias: vector([width], 0) })

export const layerNorm = <T>(op: Ops<T>, p: Of<ReturnType<typeof layerNormParams>, T>, x: T): T =>
  op.layerNorm(x, p.gain, p.bias, 1e-5)

/** Single-head cross attention D -> D; silent at the start (zero output), so that an empty memory does not drown the tokens. */
export const crossParams = (width: number) => ({
  query: matrix([width, width]),
  key: matrix([width, width]),
  value: matrix([width, width]),
  output: matrix([width, width], 0),
  bias: vector([width], 0),
})

/** softmax(q k' / sqrt(D)) v: queries from (B,N,D), keys and values from (B,K,D) -> (B,N,D). */
export function cross<T>(op: Ops<T>, width: number, p: Of<ReturnType<typeof crossParams>, T>, from: T, to: T): T {
  const scores = op.matmul(op.matmul(from, p.query), op.transpose(op.matmul(to, p.key), [0, 2, 1]))
  const shares = op.softmax(op.mul(scores, op.constant(1 / Math.sqrt(width)))) //               (B, N, K)
  return op.add(op.matmul(op.matmul(shares, op.matmul(to, p.value)), p.output), p.bias)
}

/**
 * The same where each query has rows of its own: from (B,S,D), to (B,S,K,D), mask (B,S,K) -> (B,S,D). The query goes
 * through the keys' matrix and the sum through the values', so that no row is projected.
 */
export function crossOwn<T>(
  op: Ops<T>,
  width: number,
  p: Of<ReturnType<typeof crossParams>, T>,
  from: T,
  to: T,
  mask: T,
): T {
  const asking = op.matmul(op.matmul(from, p.query), op.transpose(p.key, [1, 0])) //            (B, S, D)
  const scores = op.matmul(to, op.reshape(asking, [0, 0, -1, 1])) //                            (B, S, K, 1)
  const scaled = op.mul(op.reshape(scores, [0, 0, -1]), op.constant(1 / Math.sqrt(width)))
  const shares = op.reshape(op.softmax(op.add(scaled, mask)), [0, 0, 1, -1]) //                 (B, S, 1, K)
  const read = op.reshape(op.matmul(shares, to), [0, 0, width])
  return op.add(op.matmul(op.matmul(read, p.value), p.output), p.bias)
}

export type Pooling = 'attention' | 'mean'

export const poolParams = (pooling: Pooling, width: number) =>
  pooling === 'attention' ? { query: matrix([width, width]), key: matrix([width, width]) } : {}

/** What has been pooled of the unfinished chunk: running softmax sums, or a plain sum. */
export const poolState = (pooling: Pooling, slots: number, width: number) =>
  pooling === 'attention'
    ? { highest: stateOf(slots, 1), total: stateOf(slots, 1), sum: stateOf(slots, width) }
    : { sum: stateOf(1, width) }

type PoolState<T> = { readonly highest?: T; readonly total?: T; readonly sum: T }

/**
 * Adds the tokens x (B,S,D) to the pool; where `fresh` (B,1,1) they are its first. Queries come from the committed
 * memory (B,M,D), so it can go on by pieces.
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
  // A softmax does not care what is subtracted, so no derivative flows through the maximum
  const highest = op.detach(op.maximum(past, op.max(scores, -1, true)))
  const rescale = op.exp(op.sub(past, highest))
  const shares = op.exp(op.sub(scores, highest))
  return {
    highest,
    total: op.add(op.mul(before.total, rescale), op.sum(shares, -1, true)),
    sum: op.add(op.mul(before.sum, rescale), op.matmul(shares, x)),
  }
}

/** The summary of a whole chunk of `chunk` tokens: (B,M,D), or (B,1,D) for the mean. */
export const pooled = <T>(op: Ops<T>, s: PoolState<T>, chunk: number): T => op.div(s.sum, s.total ?? op.constant(chunk))

export const writeParams = (width: number) => ({
  gate: matrix([width, width]),
  gateBias: vector([width], 0),
  keep: parameter([width, width], { kind: 'identity', scale: 0.9 }),
  take: matrix([width, width]),
})

/** Gated state-space write: G = sigmoid(s Wg + b), U = tanh(M A + s B), M <- (1 - G) M + G U. */
export function write<T>(op: Ops<T>, p: Of<ReturnType<typeof writeParams>, T>, memory: T, summary: T): T {
  const gate = op.watch(op.sigmoid(op.add(op.matmul(summary, p.gate), p.gateBias)), 'write.gate')
  const update = op.tanh(op.add(op.matmul(memory, p.keep), op.matmul(summary, p.take))) //      (B, M, D)
  return op.add(memory, op.mul(gate, op.sub(update, memory)))
}
