/**
 * An exact cache beside an associative memory: the tokens that surprised it most are kept as they were, so that what
 * does not fit into the memory is not lost. A fixed number of slots a head; a token replaces the least surprising one.
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, stateOf, vector } from '../spec.ts'

export interface CacheConfig {
  readonly width: number
  readonly heads: number
  readonly keys: number
  readonly values: number
  readonly slots: number
  /** Tokens after which a surprise counts half; 0: never. */
  readonly halfLife: number
}

export const cacheParams = (c: CacheConfig) => ({
  sharpness: vector([c.heads, 1, 1], 8), //      of the softmax over slots; keys and queries have length 1
  gate: matrix([c.width, c.heads], 0.02),
  gateBias: vector([c.heads], 0),
})

/** A slot whose surprise is 0 is empty. */
export const cacheState = (c: CacheConfig) => ({
  k: stateOf(c.heads, c.slots, c.keys),
  v: stateOf(c.heads, c.slots, c.values),
  surprise: stateOf(c.heads, c.slots, 1),
})

/** Tokens that may be kept: q k (B,T,H,K) of length 1, v (B,T,H,V), surprise (B,T,H,1) >= 0. */
export interface Candidates<T> {
  readonly q: T
  readonly k: T
  readonly v: T
  readonly surprise: T
}

type State<T> = Of<ReturnType<typeof cacheState>, T>

/** Tokens that are ranked at a time: a ranking takes the square of it in memory, and of 2^(tokens / halfLife) in range. */
const RANKED = 256
const rankedAtOnce = ({ halfLife }: CacheConfig): number => (halfLife === 0 ? RANKED : Math.min(RANKED, 32 * halfLife))

/**
 * x (B,T,D) and its candidates -> y (B,T,H,V), the gated read of each token over the slots as they are after it, and
 * the slots after the last token.
 */
export function exactCache<T>(
  op: Ops<T>,
  c: CacheConfig,
  p: Of<ReturnType<typeof cacheParams>, T>,
  x: T,
  now: Candidates<T>,
  past: State<T>,
): { y: T; state: State<T> } {
  const length = rankedAtOnce(c)
  const done = op.chunkedScan(
    ([k, v, surprise], [q, nowK, nowV, nowSurprise]) => {
      const tokens = { q: q!, k: nowK!, v: nowV!, surprise: nowSurprise! }
      const { y, state } = ranked(op, c, p.sharpness, tokens, { k: k!, v: v!, surprise: surprise! })
      return { carry: [state.k, state.v, state.surprise], y: [y] }
    },
    [past.k, past.v, past.surprise],
    [now.q, now.k, now.v, now.surprise],
    { length, outputs: [[c.heads, c.values]], room: () => op.constant(length) },
  )
  const gate = op.tap(op.sigmoid(op.add(op.matmul(x, p.gate), p.gateBias)), 'cache.gate') //      (B, T, H)
  const [k, v, surprise] = done.carry as [T, T, T]
  return { y: op.mul(done.ys[0]!, op.reshape(gate, [0, 0, c.heads, 1])), state: { k, v, surprise } }
}

/** The read of each token, without the gate. Slots after t = the most surprising tokens up to t: one ranking serves all. */
function ranked<T>(op: Ops<T>, c: CacheConfig, sharpness: T, now: Candidates<T>, past: State<T>) {
  const byHead = (t: T): T => op.transpose(t, [0, 2, 1, 3])
  const flip = (t: T): T => op.transpose(t, [0, 1, 3, 2])
  const [zero, one, most] = [op.constant(0), op.constant(1), op.constant(c.slots - 0.5)]
  const k = op.concat([past.k, byHead(now.k)], 2) //                                             (B, H, J, K), J = M + T
  const v = op.concat([past.v, byHead(now.v)], 2)
  const aging = c.halfLife === 0 ? 0 : Math.LN2 / c.halfLife
  const index = op.add(op.iota(now.k, 1), one) //                                                (T)
  const rejuvenated = op.mul(byHead(op.detach(now.surprise)), op.reshape(scaled(index, aging), [-1, 1]))
  const surprise = op.concat([past.surprise, rejuvenated], 2) //                                 (B, H, J, 1)

  const [row, column] = [op.reshape(op.iota(k, 2), [-1, 1]), op.reshape(op.iota(k, 2), [1, -1])]
  const earlier = op.where(op.less(row, column), one, zero) //                                   (J, J)
  const tie = op.where(op.less(surprise, flip(surprise)), zero, earlier)
  const beats = op.where(op.less(flip(surprise), surprise), one, tie) //                         (B, H, J, J): row beats column
  const rank = op.cumsum(beats, 2) //                                                            among rows up to this one

  const old = op.less(column, op.add(op.slice(row, 0, c.slots), op.constant(0.5))) //            (T, J)
  const kept = op.and(op.less(op.slice(rank, 2, c.slots), most), op.less(zero, flip(surprise)))
  const scores = op.mul(op.matmul(byHead(now.q), flip(k)), sharpness) //                         (B, H, T, J)
  const masked = op.where(op.and(kept, old), scores, op.constant(-1e9))
  // One more slot of score and value 0, for tokens that find nothing
  const nothing = op.zerosLike(op.slice(scores, 3, 0, 1))
  const share = op.slice(op.softmax(op.concat([nothing, masked], 3)), 3, 1)
  const y = op.transpose(op.matmul(share, v), [0, 2, 1, 3]) //                                   (B, T, H, V)

  const slot = op.table(
    Array.from({ length: c.slots }, (_, i) => i),
    [c.slots, 1],
  )
  const last = op.slice(rank, 2, -1) //                                                          (B, H, 1, J)
  const chosen = op.and(op.less(op.sub(slot, op.constant(0.5)), last), op.less(last, op.add(slot, op.constant(0.5))))
  const choose = op.where(chosen, one, zero) //                                                  (B, H, M, J), one 1 a row
  const aged = op.mul(op.matmul(choose, surprise), scaled(op.max(index, 0), -aging))
  return { y, state: { k: op.matmul(choose, k), v: op.matmul(choose, v), surprise: aged } }

  /** exp(rate tokens): instead of what older tokens have lost, newer ones gain it. */
  function scaled(tokens: T, rate: number): T {
    return rate === 0 ? one : op.exp(op.mul(tokens, op.constant(rate)))
  }
}
