/** Multi-head attention over a sliding window, with a fixed-size cache of keys and values as its state. */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, stateOf } from '../spec.ts'

export interface AttentionConfig {
  readonly width: number
  readonly heads: number
  readonly window: number
  /** Base of the rotary embedding, or null. */
  readonly rope: number | null
  /** Learned tokens that are always seen (persistent memory of Titans, Behrouz et al. 2025); none without. */
  readonly persistent?: number
}

export const attentionParams = (c: AttentionConfig) => ({
  qkv: matrix([c.width, 3 * c.width]),
  output: matrix([c.width, c.width]),
  ...(c.persistent ? { persistent: matrix([c.persistent, c.width], 1) } : {}), // as high as normalised tokens
})

/** The last `window` keys and values, un-rotated: positions are counted inside the window, so they never grow. */
export const attentionState = (c: AttentionConfig) => ({
  k: stateOf(c.heads, c.window, c.width / c.heads),
  v: stateOf(c.heads, c.window, c.width / c.heads),
})

type Params<T> = Of<ReturnType<typeof attentionParams>, T>
type State<T> = Of<ReturnType<typeof attentionState>, T>

/** x (B,T,D), filled (B,1): tokens in the cache before this call -> y (B,T,D) and the cache after it. */
export function attention<T>(op: Ops<T>, c: AttentionConfig, p: Params<T>, x: T, past: State<T>, filled: T) {
  const channels = c.width / c.heads
  const done = op.windowAttention({
    ...projected(op, c, p.qkv, x),
    past,
    filled,
    window: c.window,
    channels,
    rope: c.rope,
    ...(p.persistent ? { always: alwaysSeen(p.persistent) } : {}),
  })
  const y = op.reshape(op.transpose(done.y, [0, 2, 1, 3]), [0, 0, c.width]) //                  (B, T, D)
  return { y: op.matmul(y, p.output), state: { k: done.k, v: done.v } }

  /** Keys and values of the persistent tokens, once for each row: (B, H, N, C). */
  function alwaysSeen(tokens: T) {
    const rows = op.mul(op.reshape(filled, [0, 1, 1, 1]), op.constant(0))
    const [, keys, values] = op.split(p.qkv, [c.width, c.width, c.width], -1).map((w) => {
      const each = op.reshape(op.matmul(tokens, w), [1, c.persistent!, c.heads, channels])
      return op.add(op.transpose(each, [0, 2, 1, 3]), rows)
    })
    return { k: keys!, v: values! }
  }
}

/** Queries, keys and values of x (B,T,D), by one product: (B,H,T,C) each. */
export function projected<T>(op: Ops<T>, { width, heads }: { width: number; heads: number }, qkv: T, x: T) {
  const all = op.reshape(op.matmul(x, qkv), [0, 0, 3 * heads, width / heads])
  const [q, k, v] = op.split(op.transpose(all, [0, 2, 1, 3]), [heads, heads, heads], 1) as [T, T, T]
  return { q, k, v }
}

/** How many tokens the cache holds after `ids` (B,T): min(filled + T, window). */
export function fillAfter<T>(op: Ops<T>, ids: T, filled: T, window: number): T {
  const time = op.add(op.max(op.iota(ids, 1), 0), op.constant(1))
  return op.minimum(op.add(filled, time), op.constant(window))
}
