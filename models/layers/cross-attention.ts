/** Single-head cross attention D -> D, by which tokens read memory slots. Letters: N queries, K rows that are read. */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, vector } from '../spec.ts'

/** The output is zero-initialised: an untrained memory adds nothing. */
export const crossAttentionParams = (width: number) => ({
  query: matrix([width, width]),
  key: matrix([width, width]),
  value: matrix([width, width]),
  output: matrix([width, width], 0),
  bias: vector([width], 0),
})

/** softmax(q k' / sqrt(D)) v: queries from (B,N,D), keys and values from (B,K,D) -> (B,N,D). */
export function crossAttention<T>(
  op: Ops<T>,
  width: number,
  p: Of<ReturnType<typeof crossAttentionParams>, T>,
  from: T,
  to: T,
): T {
  const scores = op.matmul(op.matmul(from, p.query), op.transpose(op.matmul(to, p.key), [0, 2, 1]))
  const shares = op.softmax(op.mul(scores, op.constant(1 / Math.sqrt(width)))) //               (B, N, K)
  return op.add(op.matmul(op.matmul(shares, op.matmul(to, p.value)), p.output), p.bias)
}

/**
 * The same where each query has its own rows to attend to: from (B,S,D), to (B,S,K,D), mask (B,S,K) -> (B,S,D).
 * q (X Wk)' = (q Wk') X', so the query and the weighted sum are projected instead of the K rows of each query.
 */
export function crossAttentionPerQuery<T>(
  op: Ops<T>,
  width: number,
  p: Of<ReturnType<typeof crossAttentionParams>, T>,
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
