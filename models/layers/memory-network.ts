/**
 * The small network that a Titans memory is (Behrouz, Zhong & Mirrokni 2025, arXiv 2501.00663), with the gradient of its
 * loss written out, so that learning at test time is ordinary operations. Letters: N tokens, M memory, E inner width.
 */
import type { Ops } from '../ops.ts'
import { matrix, type Spec, stateOf } from '../spec.ts'
import { largestSquare } from './sums.ts'

export interface NetworkConfig {
  /** Width of keys and values. */
  readonly memory: number
  /** Inner width, in memory widths; without use at depth 1. */
  readonly expansion: number
  readonly depth: number
  readonly activation: string
}

/** Inputs and outputs of each layer; one input more is the bias. */
const widths = (c: NetworkConfig): [number, number][] =>
  c.depth === 1
    ? [[c.memory + 1, c.memory]]
    : [
        [c.memory + 1, c.expansion * c.memory],
        [c.expansion * c.memory + 1, c.memory],
      ]

/** What every session begins with. Keys have length 1: inner weights of 1 give inner activations of about 1. */
export const networkParams = (c: NetworkConfig): Spec[] =>
  widths(c).map((shape, i) => matrix(shape, i === c.depth - 1 ? 0.02 : 1))

/** The same shapes for each row: what has been added to the start, or its momentum. */
export const networkState = (c: NetworkConfig): Spec[] => widths(c).map((shape) => stateOf(...shape))

/** The weights of each row: the start and what was added to it. */
export const current = <T>(op: Ops<T>, start: readonly T[], added: readonly T[]): T[] =>
  start.map((weight, i) => op.add(weight, added[i]!))

/** x + act(x W1) W2, or x + x W: x (B,N,M) -> (B,N,M). */
export const recall = <T>(op: Ops<T>, c: NetworkConfig, layers: readonly T[], x: T): T => forward(op, c, layers, x).y

/** A sum over tokens of left' right, both (B,N,.): what a weight learns. */
export interface Factors<T> {
  readonly left: T
  readonly right: T
}

/** The square of the largest slope of GELU, 1.129; that of ReLU is 1. */
const STEEPEST = 1.275

/**
 * With loss_t = mean (recall(k_t) - v_t)^2 of each token: the loss (B,N,1), minus the gradient of sum_t rate_t loss_t
 * for each layer, and a bound of the curvature of sum_t weight_t loss_t (B,1,1).
 */
export function descent<T>(op: Ops<T>, c: NetworkConfig, layers: readonly T[], k: T, v: T) {
  const { y, input, inner, slope } = forward(op, c, layers, k)
  const wrong = op.sub(v, y) //                                                                 (B, N, M)
  const surprise = op.mean(op.mul(wrong, wrong), -1, true)
  /** Each token counts `rate` (B,N,1). */
  const factors = (rate: T): Factors<T>[] => {
    const error = op.mul(wrong, op.mul(rate, op.constant(2 / c.memory)))
    if (!inner || !slope) return [{ left: input, right: error }]
    const weights = op.slice(layers[1]!, 1, 0, -1) //                                           without the bias
    const back = op.mul(op.matmul(error, op.transpose(weights, [0, 2, 1])), slope)
    return [
      { left: input, right: back },
      { left: inner, right: error },
    ]
  }
  /**
   * At least the largest eigenvalue of the Gauss-Newton matrix, sum_t 2/M weight_t J_t' J_t. The token's Jacobian J_t is
   * inner_t for the second layer and W2' diag(slope_t) input_t for the first, so that is at most
   * 2/M (|sum_t weight_t inner_t inner_t'| + |W2|^2 max slope^2 |sum_t weight_t input_t input_t'|).
   */
  const curvature = (weight: T): T => {
    const root = op.sqrt(op.add(op.mul(weight, op.constant(2 / c.memory)), op.constant(1e-12)))
    const tokens = (x: T): T => largestSquare(op, op.transpose(op.mul(x, root), [0, 2, 1]))
    if (!inner) return tokens(input)
    const reach = op.mul(largestSquare(op, op.slice(layers[1]!, 1, 0, -1)), op.constant(STEEPEST))
    return op.add(tokens(inner), op.mul(reach, tokens(input)))
  }
  return { surprise, factors, curvature }
}

function forward<T>(op: Ops<T>, c: NetworkConfig, layers: readonly T[], x: T) {
  const input = withOne(op, x)
  const first = op.matmul(input, layers[0]!)
  if (c.depth === 1) return { y: op.add(x, first), input }
  const { value, slope } = activate(op, c.activation, first) //                                 (B, N, E)
  const inner = withOne(op, value)
  return { y: op.add(x, op.matmul(inner, layers[1]!)), input, inner, slope }
}

/** x with a last column of ones: what the bias is multiplied by. */
const withOne = <T>(op: Ops<T>, x: T): T =>
  op.concat([x, op.add(op.mul(op.slice(x, -1, 0, 1), op.constant(0)), op.constant(1))], -1)

/** The activation and its derivative; GELU in its tanh form (Hendrycks & Gimpel 2016), whose derivative is elementary. */
function activate<T>(op: Ops<T>, activation: string, a: T): { value: T; slope: T } {
  const [half, one] = [op.constant(0.5), op.constant(1)]
  if (activation === 'relu') {
    const slope = op.where(op.less(op.constant(0), a), one, op.constant(0))
    return { value: op.mul(a, slope), slope }
  }
  const square = op.mul(a, a)
  const scale = op.constant(Math.sqrt(2 / Math.PI))
  const bent = op.tanh(op.mul(op.mul(scale, a), op.add(one, op.mul(square, op.constant(0.044715)))))
  const share = op.mul(half, op.add(one, bent)) //                                              about the normal cdf
  const steep = op.mul(scale, op.add(one, op.mul(square, op.constant(3 * 0.044715))))
  const density = op.mul(op.mul(half, op.sub(one, op.mul(bent, bent))), steep)
  return { value: op.mul(a, share), slope: op.add(share, op.mul(a, density)) }
}
