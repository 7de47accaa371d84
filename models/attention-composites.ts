/** The default bodies of what published models are made of: linear maps, attention with a growing cache, rotation. */
import type { CachedAttention, GatedAttention, Primitives, RotaryTable, SharedAttention } from './ops.ts'

export function linear<T>(op: Primitives<T>, x: T, weight: T, bias?: T): T {
  const y = op.matmul(x, op.transpose(weight, [1, 0]))
  return bias === undefined ? y : op.add(y, bias)
}

/** Positions count from the right: the last past position is the token before the first new one. */
export function cachedAttention<T>(op: Primitives<T>, x: CachedAttention<T>): { y: T; k: T; v: T } {
  const k = op.concat([x.past.k, byHead(op, x.k, x.kvHeads, x.channels)], 2) //               (B, G, P+T, C)
  const v = op.concat([x.past.v, byHead(op, x.v, x.kvHeads, x.channels)], 2)
  return { y: sharedAttention(op, { ...x, k, v }), k, v }
}

export function sharedAttention<T>(op: Primitives<T>, x: SharedAttention<T>): T {
  const { heads, kvHeads, channels, softcap } = x
  const each = (cache: T): T => repeated(op, cache, kvHeads, heads / kvHeads, channels)
  const products = op.matmul(byHead(op, x.q, heads, channels), op.transpose(each(x.k), [0, 1, 3, 2]))
  const scores = op.mul(products, op.constant(x.scale)) //                                    (B, H, T, P+T)
  const bent =
    softcap === undefined ? scores : op.mul(op.tanh(op.div(scores, op.constant(softcap))), op.constant(softcap))
  const masked = op.add(bent, op.where(allowed(op, x), op.constant(0), op.constant(-1e9)))
  const y = op.matmul(probabilities(op, x, masked), each(x.v)) //                             (B, H, T, C)
  return op.reshape(op.transpose(y, [0, 2, 1, 3]), [0, 0, heads * channels])
}

/** (B,T,count*C) -> (B,count,T,C). */
const byHead = <T>(op: Primitives<T>, flat: T, count: number, channels: number): T =>
  op.transpose(op.reshape(flat, [0, 0, count, channels]), [0, 2, 1, 3])

/** Each head of a cache (B,G,P,C) as often as it has query heads: (B,H,P,C). */
function repeated<T>(op: Primitives<T>, cache: T, kvHeads: number, times: number, channels: number): T {
  if (times === 1) return cache
  const column = op.reshape(cache, [0, 0, 1, -1, channels])
  const copies = op.concat(Array<T>(times).fill(column), 2) //                                (B, G, H/G, P, C)
  return op.reshape(copies, [0, kvHeads * times, -1, channels])
}

/** Which pairs of a query and a position are seen: (B, 1, T, P+T). */
function allowed<T>(op: Primitives<T>, x: SharedAttention<T>): T {
  const count = (of: T, axis: number): T => op.add(op.max(op.iota(of, axis), 0), op.constant(1))
  const past = op.sub(count(x.k, 2), count(x.q, 1)) //                                        P
  const column = op.sub(op.reshape(op.iota(x.k, 2), [1, -1]), past) //                       0 is the first new token
  const row = op.reshape(op.iota(x.q, 1), [-1, 1])
  const causal = op.less(column, op.add(row, op.constant(0.5)))
  const near = x.window === undefined ? causal : op.and(causal, op.less(op.sub(row, op.constant(x.window)), column))
  const filled = op.less(op.sub(op.constant(-0.5), op.reshape(x.filled, [0, 1, 1, 1])), column)
  return op.and(near, filled)
}

/** Softmax along the last axis; with sinks, a share of it goes to a token that has no value. */
function probabilities<T>(op: Primitives<T>, { sinks, heads }: SharedAttention<T>, scores: T): T {
  if (sinks === undefined) return op.softmax(scores)
  const sink = op.reshape(sinks, [1, heads, 1, 1])
  const largest = op.detach(op.maximum(op.max(scores, -1, true), sink))
  const weights = op.exp(op.sub(scores, largest))
  return op.div(weights, op.add(op.sum(weights, -1, true), op.exp(op.sub(sink, largest))))
}

export function rotary<T>(
  op: Primitives<T>,
  x: T,
  how: RotaryTable<T> & { readonly heads: number; readonly channels: number },
): T {
  const { heads, channels, rotated } = how
  const sizes = [rotated / 2, rotated / 2, ...(rotated < channels ? [channels - rotated] : [])]
  const [a, b, rest] = op.split(op.reshape(x, [0, 0, heads, channels]), sizes, -1) as [T, T, T?]
  const [cos, sin] = [how.cos, how.sin].map((table) => op.reshape(table, [0, 0, 1, rotated / 2])) as [T, T]
  const turned = [op.sub(op.mul(a, cos), op.mul(b, sin)), op.add(op.mul(b, cos), op.mul(a, sin))]
  const whole = op.concat(rest === undefined ? turned : [...turned, rest], -1)
  return op.reshape(whole, [0, 0, heads * channels])
}

/** One token a step, as the recurrence is written. */
export function gatedAttention<T>(op: Primitives<T>, x: GatedAttention<T>): { y: T; memory: T } {
  const { carry, ys } = op.scan(
    ([memory], [q, k, v, g]) => {
      const decayed = op.mul(memory!, op.reshape(op.exp(g!), [0, 0, 1, 1])) //                (B, H, K, V)
      const write = op.mul(op.reshape(k!, [0, 0, -1, 1]), op.reshape(v!, [0, 0, 1, -1]))
      const next = op.add(decayed, write)
      const y = op.matmul(op.reshape(q!, [0, 0, 1, -1]), next) //                             (B, H, 1, V)
      // ONNX Runtime must be able to infer the shape of a Scan's outputs, also in a Loop whose carries have none
      return { carry: [op.reshape(next, [0, x.heads, x.keys, x.values])], y: [op.reshape(y, [0, 0, -1])] }
    },
    [x.memory],
    [x.q, x.k, x.v, x.g],
    1,
  )
  return { y: ys[0]!, memory: carry[0]! }
}
