/**
 * Titans-style neural memory: a network of each session's own whose weights learn while it reads (arXiv 2501.00663). All
 * tokens of a chunk read the weights that were committed before it, and teach them when it is full: nothing is seen early.
 */
import type { Ops } from '../ops.ts'
import type { Of, Spec } from '../spec.ts'
import { matrix, stateOf, vector } from '../spec.ts'
import { chunkWeights } from './chunk-weights.ts'
import {
  current,
  descent,
  type Factors,
  type NetworkConfig,
  networkParams,
  networkState,
  recall,
} from './memory-network.ts'
import { sumOfRows, sumOfSquares } from './sums.ts'

export interface NeuralMemoryConfig extends NetworkConfig {
  readonly width: number
  readonly chunk: number
  /** Upper bound of a token's learning rate. */
  readonly thetaMax: number
  readonly momentum: boolean
  readonly decay: boolean
  /** A token with no more loss than this does not teach. */
  readonly threshold: number
  /** Longest gradient of a chunk; 0 for no bound. */
  readonly clip: number
  /** Whether the memory learns at all. */
  readonly update: boolean
}

/**
 * Largest product of learning rate and curvature. Gradient descent is stable below 2 and does not overshoot up to 1
 * (Nesterov 2004, Introductory Lectures on Convex Optimization, 1.2.3): beyond it, every chunk magnifies what differs.
 */
const STABLE = 1

/** Logits of the learning rate, the momentum and the decay that a memory starts with. */
const FIRST = { rate: -1, momentum: 0, decay: -6 } as const

const rates = (c: NeuralMemoryConfig): number => 1 + Number(c.momentum) + Number(c.decay)

/** What is remembered of a token until its chunk is full: key, value, learning rate, logits of momentum and decay. */
const widths = (c: NeuralMemoryConfig): number[] => [c.memory, c.memory, ...Array.from({ length: rates(c) }, () => 1)]

export const neuralMemoryParams = (c: NeuralMemoryConfig) => ({
  start: networkParams(c),
  query: matrix([c.width, c.memory]),
  norm: vector([c.memory], 1),
  ...(c.update ? { write: writeParams(c) } : {}),
})

const writeParams = (c: NeuralMemoryConfig) => ({
  token: matrix([c.width, 2 * c.memory + rates(c)]), // key, value and rates side by side
  rateBias: vector([1], FIRST.rate),
  ...(c.momentum ? { momentumBias: vector([1], FIRST.momentum) } : {}),
  ...(c.decay ? { decayBias: vector([1], FIRST.decay) } : {}),
})

/** What was added to the start, and the momentum. */
export interface NeuralMemoryState<T> {
  readonly added: readonly T[]
  readonly momentum?: readonly T[]
}

export const neuralMemoryState = (c: NeuralMemoryConfig): NeuralMemoryState<Spec> => ({
  added: networkState(c),
  ...(c.momentum ? { momentum: networkState(c) } : {}),
})

/** The last `chunk` tokens as they will teach. */
export const pendingState = (c: NeuralMemoryConfig): Spec => stateOf(c.chunk, 2 * c.memory + rates(c))

type Params<T> = Of<ReturnType<typeof neuralMemoryParams>, T>

/** x (B,S,D) -> what the memory says of it, normalised (B,S,M); without a state, what it says at the start. */
export function retrieve<T>(
  op: Ops<T>,
  c: NeuralMemoryConfig,
  p: Params<T>,
  x: T,
  state: NeuralMemoryState<T> | undefined,
): T {
  const layers = state ? current(op, p.start, state.added) : p.start
  const said = recall(op, c, layers, op.l2Normalize(op.matmul(x, p.query)))
  return op.rmsNorm(op.tap(said, 'memory.read'), p.norm, 1e-5)
}

/** The pending tokens after x (B,S,D) has joined them. */
export function appendPending<T>(op: Ops<T>, c: NeuralMemoryConfig, p: Params<T>, x: T, pending: T): T {
  const { token, rateBias, momentumBias, decayBias } = p.write!
  const [key, value, rate, ...rest] = op.split(op.matmul(x, token), widths(c), -1) as [T, T, T, ...T[]]
  const biases = [momentumBias, decayBias].filter((bias) => bias !== undefined)
  const row = [
    op.l2Normalize(key),
    value,
    op.mul(op.sigmoid(op.add(rate, rateBias)), op.constant(c.thetaMax)),
    ...rest.map((logit, i) => op.add(logit, biases[i]!)),
  ]
  return op.slice(op.concat([pending, op.concat(row, -1)], 1), 1, -c.chunk)
}

/**
 * The memory after a full chunk has taught it. `pending` (B,C,.) has one list of tokens for each layer that shares the
 * memory; the tokens of one place teach together.
 */
export function updateMemory<T>(
  op: Ops<T>,
  c: NeuralMemoryConfig,
  start: readonly T[],
  state: NeuralMemoryState<T>,
  pending: readonly T[],
) {
  const tokens = pending.length === 1 ? pending[0]! : op.concat(pending, 1) //                  (B, L*C, .)
  const [k, v, rate, ...logits] = op.split(tokens, widths(c), -1) as [T, T, T, ...T[]]
  const mean = (logit: T): T => op.mul(sumOfRows(op, logit), op.constant(1 / (pending.length * c.chunk)))
  const momentum = c.momentum ? mean(logits[0]!) : undefined
  const decay = c.decay ? mean(logits.at(-1)!) : undefined
  const { surprise, factors, curvature } = descent(op, c, current(op, start, state.added), k, v)
  const surprising = op.less(op.constant(c.threshold), op.tap(surprise, 'memory.surprise'))
  const taught = c.threshold > 0 ? op.where(surprising, rate, op.constant(0)) : rate
  const parts = factors(op.tap(taught, 'memory.rate'))
  const w = chunkWeights(op, c.chunk, momentum, decay)
  /** The weights (B,C,1) of places for each of their tokens (B,L*C,1). */
  const each = (weight: T): T =>
    pending.length === 1
      ? weight
      : op.concat(
          pending.map(() => weight),
          1,
        )
  /** How far the token moves the weights, in this chunk and by the momentum that it leaves to the next: (B,L*C,1). */
  const reach = w.write && (w.carry && w.push ? op.add(w.write, op.mul(w.carry, w.push)) : w.write)
  const stable = limited(
    op,
    STABLE,
    op.tap(curvature(reach ? op.mul(taught, each(reach)) : taught), 'memory.curvature'),
  )
  const bound = c.clip > 0 ? op.minimum(stable, shrink(op, gradient(op, parts), c.clip)) : stable
  /** sum_t weight_t u_t of each layer, within the bound. */
  const total = (weight: T | undefined): T[] => gradient(op, parts, weight ? op.mul(each(weight), bound) : bound)
  const added = combine(op, [w.keep, state.added], [w.carry, state.momentum], [undefined, total(w.write)])
  if (!state.momentum) return { added }
  return { added, momentum: combine(op, [w.glide, state.momentum], [undefined, total(w.push)]) }
}

/** sum_t weight_t u_t of each layer, from the factors of its u_t; weight (B,L*C,1) or (B,1,1). */
const gradient = <T>(op: Ops<T>, parts: readonly Factors<T>[], weight?: T): T[] =>
  parts.map(({ left, right }) => op.matmul(op.transpose(left, [0, 2, 1]), weight ? op.mul(right, weight) : right))

/** min(1, most / x). */
const limited = <T>(op: Ops<T>, most: number, x: T): T => op.minimum(op.constant(1), op.div(op.constant(most), x))

/** min(1, clip / |gradient|) of each row: (B,1,1). */
function shrink<T>(op: Ops<T>, layers: readonly T[], clip: number): T {
  const squares = layers.map((layer) => sumOfSquares(op, layer)).reduce((a, b) => op.add(a, b))
  const length = op.tap(op.sqrt(op.add(squares, op.constant(1e-12))), 'memory.gradient')
  return limited(op, clip, length)
}

type Term<T> = readonly [weight: T | undefined, layers: readonly T[] | undefined]

/** The sum of weighted sets of layers; a set that is not there counts nothing, a weight that is not there 1. */
function combine<T>(op: Ops<T>, ...terms: readonly Term<T>[]): T[] {
  const present = terms.flatMap(([weight, layers]) =>
    layers ? [layers.map((layer) => (weight ? op.mul(layer, weight) : layer))] : [],
  )
  return present.reduce((sum, term) => sum.map((layer, i) => op.add(layer, term[i]!)))
}
