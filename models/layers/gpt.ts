/**
 * GPT-2's block (Radford et al. 2019), run over many windows at once. Letters: S windows of a row of the batch, R rows of
 * a window, C channels of a head.
 */
import { attend } from '../composites.ts'
import type { Ops } from '../ops.ts'
import type { Of } from '../spec.ts'
import { matrix, vector } from '../spec.ts'
import { layerNorm, layerNormParams } from './layer-norm.ts'
import { causalMask } from './window.ts'

export interface GptConfig {
  readonly width: number
  readonly heads: number
  /** Width of the feed-forward layer, in widths. */
  readonly expansion: number
  readonly dropout: number
}

export const gptMlpParams = (c: GptConfig) => ({
  feedForwardNorm: layerNormParams(c.width),
  up: matrix([c.width, c.expansion * c.width]),
  upBias: vector([c.expansion * c.width], 0),
  down: matrix([c.expansion * c.width, c.width]),
  downBias: vector([c.width], 0),
})

export const gptParams = (c: GptConfig) => ({
  attentionNorm: layerNormParams(c.width),
  qkv: matrix([c.width, 3 * c.width]),
  qkvBias: vector([3 * c.width], 0),
  output: matrix([c.width, c.width]),
  outputBias: vector([c.width], 0),
  ...gptMlpParams(c),
})

type Params<T> = Of<ReturnType<typeof gptParams>, T>

/** The approximation of GELU by a tanh that GPT-2 was trained with: x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)). */
export function tanhGelu<T>(op: Ops<T>, x: T): T {
  const cube = op.mul(op.mul(x, op.mul(x, x)), op.constant(0.044715))
  return op.mul(x, op.sigmoid(op.mul(op.add(x, cube), op.constant(2 * Math.sqrt(2 / Math.PI)))))
}

/** x + MLP(LN(x)). */
export function gptMlp<T>(op: Ops<T>, c: GptConfig, p: Of<ReturnType<typeof gptMlpParams>, T>, x: T): T {
  const inner = op.add(op.matmul(layerNorm(op, p.feedForwardNorm, x), p.up), p.upBias)
  return op.add(x, op.dropout(op.add(op.matmul(tanhGelu(op, inner), p.down), p.downBias), c.dropout))
}

/**
 * One block over windows of R rows: x (B,S,R,D), empty (B,S,R) to be added to scores -> (B,S,R,D). The `last` block is
 * done for the last row of each window only: (B,S,1,D).
 */
export function gptBlock<T>(op: Ops<T>, c: GptConfig, p: Params<T>, x: T, empty: T, rows: number, last: boolean): T {
  const [width, channels] = [c.width, c.width / c.heads]
  const weights = op.split(p.qkv, [width, width, width], -1)
  const biases = op.split(p.qkvBias, [width, width, width], -1)
  const normed = layerNorm(op, p.attentionNorm, x)
  const project = (from: T, i: number, rows: number): T => {
    const flat = op.add(op.matmul(from, weights[i]!), biases[i]!)
    return op.transpose(op.reshape(flat, [0, 0, rows, c.heads, channels]), [0, 1, 3, 2, 4]) //  (B, S, H, R, C)
  }
  const [asking, asked] = last ? [op.slice(normed, 2, -1), 1] : [normed, rows]
  const places = op.reshape(empty, [0, 0, 1, 1, rows])
  const allowed = op.less(op.constant(-0.5), last ? places : op.add(places, causalMask(op, rows)))
  const [q, k, v] = [project(asking, 0, asked), project(normed, 1, rows), project(normed, 2, rows)]
  const y = op.transpose(attend(op, op.mul(q, op.constant(1 / Math.sqrt(channels))), k, v, allowed, 5), [0, 1, 3, 2, 4])
  const mixed = op.add(op.matmul(op.reshape(y, [0, 0, asked, width]), p.output), p.outputBias)
  return gptMlp(op, c, p, op.add(last ? op.slice(x, 2, -1) : x, op.dropout(mixed, c.dropout)))
}
