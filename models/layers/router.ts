/**
 * The router of a memory bank's chapters, and the losses that keep it from always choosing the same ones. Letters:
 * C chapters among which it chooses.
 */
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, stateOf, vector } from '../spec.ts'
import { loadBalance, meanOfTokens, zLoss } from './balance.ts'
import type { MemoryBankConfig } from './placement.ts'

const routed = (c: MemoryBankConfig): number => c.chapters - c.sharedChapters

export const routerParams = (c: MemoryBankConfig, width: number) => ({
  weight: matrix([width, routed(c)], 0.02),
  bias: vector([routed(c)], 0),
})

/** Tokens that the router looks back on: `hybrid` sees the whole window before the one that the token is in. */
const reach = (c: MemoryBankConfig): number => (c.routing === 'hybrid' ? 2 : 1) * c.routingWindow

/** Router outputs of the last tokens: the mean of hidden states comes before a linear map, and may as well come after. */
export const routerState = (c: MemoryBankConfig) => ({
  ...(c.routing === 'rolling' || c.routing === 'hybrid'
    ? { window: stateOf(reach(c), routed(c)), filled: stateOf(1) }
    : {}),
  ...(c.routing === 'hybrid' ? { phase: stateOf(1) } : {}), //   tokens of the window that the next token is in
})

type Params<T> = Of<ReturnType<typeof routerParams>, T>
type State<T> = Of<ReturnType<typeof routerState>, T>

export interface Routes<T> {
  /** (B,T,chapters) or (B,1,chapters): 0 for chapters that are not read; shared ones have 1. */
  readonly weights: T
  /** 1 where a chapter is read, else 0. */
  readonly chosen: T
  /** The weighted sum of the losses, where there is one. */
  readonly loss?: T
}

/** Chooses chapters for every token of x (B,T,D). */
export function route<T>(op: Ops<T>, c: MemoryBankConfig, p: Params<T>, x: T, past: State<T>) {
  const seen = look(op, c, op.matmul(x, p.weight), past)
  const logits = op.add(seen.mean, p.bias) //                                                   (B, T, C)
  return { routes: choose(op, c, logits), state: seen.state }
}

/** The chapters with the largest logits (B,T,C), weighted by their probabilities among themselves. */
export function choose<T>(op: Ops<T>, c: MemoryBankConfig, logits: T): Routes<T> {
  const probs = op.softmax(logits)
  const chosen = op.sum(op.oneHot(op.topk(probs, c.topChapters), routed(c)), -2) //           (B, T, C)
  const kept = op.mul(probs, chosen)
  const weights = op.mul(op.div(kept, op.sum(kept, -1, true)), op.constant(c.routedScale))
  const loss = routerLoss(op, c, logits, probs, chosen)
  const always = (x: T): T => {
    if (c.sharedChapters === 0) return x
    const ones = op.table(
      Array.from({ length: c.sharedChapters }, () => 1),
      [c.sharedChapters],
    )
    return op.concat([op.add(op.mul(op.slice(x, -1, 0, 1), op.constant(0)), ones), x], -1)
  }
  return { weights: always(weights), chosen: always(chosen), ...(loss === undefined ? {} : { loss }) }
}

/** Load balance (the sum of f is k here, so equal use gives k), C sum (P - 1/C)^2 and the z-loss, weighted. */
function routerLoss<T>(op: Ops<T>, c: MemoryBankConfig, logits: T, probs: T, chosen: T): T | undefined {
  const count = routed(c)
  const terms: T[] = []
  const add = (weight: number, make: () => T): void => {
    if (weight > 0) terms.push(op.mul(make(), op.constant(weight)))
  }
  add(c.loadBalance, () => loadBalance(op, chosen, probs, count))
  add(c.auxiliaryLoss, () => {
    const off = op.sub(meanOfTokens(op, probs), op.constant(1 / count))
    return op.mul(op.sum(op.mul(off, off), 0), op.constant(count))
  })
  add(c.zLoss, () => zLoss(op, logits))
  return terms.length === 0 ? undefined : terms.reduce((a, b) => op.add(a, b))
}

/** The mean of what the router may see of z (B,T,C), for each token (B,T,C) or for all (B,1,C). */
function look<T>(op: Ops<T>, c: MemoryBankConfig, z: T, past: State<T>): { mean: T; state: State<T> } {
  if (c.routing === 'token') return { mean: z, state: {} }
  if (c.routing === 'sequence') return { mean: op.mean(z, 1, true), state: {} }
  if (c.routing === 'sequence_rolling')
    return {
      mean: op.mean(
        windowMeans(op, z, 0, undefined, (row) => rolling(op, c, row)),
        1,
        true,
      ),
      state: {},
    }
  const size = reach(c)
  const all = op.concat([past.window!, z], 1)
  const time = op.add(op.max(op.iota(z, 1), 0), op.constant(1))
  const filled = op.minimum(op.add(past.filled!, time), op.constant(size))
  const state = { window: op.slice(all, 1, -size), filled }
  if (c.routing === 'rolling')
    return { mean: windowMeans(op, all, size, past.filled, (row) => rolling(op, c, row)), state }
  const ends = (row: T): { first: T; end: T } => {
    const own = op.add(op.reshape(past.phase!, [0, 1, 1]), op.sub(row, op.constant(size)))
    const end = op.sub(row, remainder(op, own, c.routingWindow)) //                             (B, T, 1)
    return { first: op.sub(end, op.constant(c.routingWindow)), end }
  }
  const phase = remainder(op, op.add(past.phase!, time), c.routingWindow)
  return { mean: windowMeans(op, all, size, past.filled, ends), state: { ...state, phase } }
}

/** The token itself and the ones before it, `routingWindow` in all. */
const rolling = <T>(op: Ops<T>, c: MemoryBankConfig, row: T): { first: T; end: T } => {
  const end = op.add(row, op.constant(1))
  return { first: op.sub(end, op.constant(c.routingWindow)), end }
}

/**
 * For each token after the first `past` of all (B,past+T,C): the mean over its places from `first` to before `end`,
 * without the places that nothing has filled yet; zero where none is left.
 */
function windowMeans<T>(
  op: Ops<T>,
  all: T,
  past: number,
  filled: T | undefined,
  bounds: (row: T) => { first: T; end: T },
): T {
  const place = op.reshape(op.iota(all, 1), [1, 1, -1]) //                                      (1, 1, past+T)
  const row = op.reshape(past === 0 ? op.iota(all, 1) : op.slice(op.iota(all, 1), 0, past), [1, -1, 1])
  const { first, end } = bounds(row)
  const half = op.constant(0.5)
  const inside = op.and(op.less(place, op.sub(end, half)), op.less(op.sub(first, half), place))
  const held = filled && op.less(op.sub(op.constant(past - 0.5), op.reshape(filled, [-1, 1, 1])), place)
  const share = op.where(held ? op.and(inside, held) : inside, op.constant(1), op.constant(0))
  const count = op.maximum(op.sum(share, -1, true), op.constant(1))
  return op.matmul(op.div(share, count), all) //                                                (B, T, C)
}

/** x modulo `size` for whole x >= 0. */
const remainder = <T>(op: Ops<T>, x: T, size: number): T => {
  const whole = op.round(op.sub(op.div(op.add(x, op.constant(0.5)), op.constant(size)), op.constant(0.5)))
  return op.sub(x, op.mul(whole, op.constant(size)))
}
