/**
 * The episodic encoder of HMST: a stack of Mamba layers that makes one vector of a sequence of embeddings, by which an
 * episode is found again. A model of its own beside the decoder; it can read an episode in pieces.
 */
import { type ConfigOf, configure, count, real } from '../config.ts'
import { layerNorm, layerNormParams } from '../layers/layer-norm.ts'
import { mamba, type MambaConfig, mambaParams, mambaState } from '../layers/mamba.ts'
import { sumOfRows } from '../layers/sums.ts'
import type { Ops } from '../ops.ts'
import { matrix, type Of, stateOf, vector } from '../spec.ts'

const fields = {
  input: count(128, 'width of the embeddings'),
  width: count(128, 'width of the encoder'),
  layers: count(8, 'number of Mamba layers', 1, 1024),
  states: count(256, 'numbers that each inner channel remembers'),
  conv: count(4, 'taps of the convolution of a layer', 2, 16),
  expansion: count(2, 'inner channels of a layer, in widths', 1, 16),
  summary: count(256, 'width of the vector that is made'),
  dropout: real(0, 'dropout rate in training', 0, 0.9),
}
export type EpisodicConfig = ConfigOf<typeof fields>

/** The configuration with its defaults; throws ConfigError. */
export const episodicConfig = (options: Record<string, unknown>): EpisodicConfig =>
  configure('episodic', fields, options)

const layer = (c: EpisodicConfig): MambaConfig => c

export const episodicParams = (c: EpisodicConfig) => ({
  input: matrix([c.input, c.width]),
  inputBias: vector([c.width], 0),
  layers: Array.from({ length: c.layers }, () => ({ norm: layerNormParams(c.width), mixer: mambaParams(layer(c)) })),
  norm: layerNormParams(c.width),
  output: matrix([c.width, c.summary]),
  outputBias: vector([c.summary], 0),
})

/** What has been read of an episode: of each layer, and the sum over tokens. */
export const episodicState = (c: EpisodicConfig) => ({
  layers: Array.from({ length: c.layers }, () => mambaState(layer(c))),
  sum: stateOf(c.width),
  count: stateOf(1),
})

type Params<T> = Of<ReturnType<typeof episodicParams>, T>
type State<T> = Of<ReturnType<typeof episodicState>, T>

/**
 * Embeddings x (B,T,input) that follow those of the state -> the summary of all so far (B,summary), and the state. Rows of
 * different lengths have a mask (B,T,1), 0 at the padding behind them; no row goes on from a state that has read padding.
 */
export function encodeEpisode<T>(op: Ops<T>, c: EpisodicConfig, p: Params<T>, x: T, past: State<T>, mask?: T) {
  let u = op.add(op.matmul(x, p.input), p.inputBias) //                                         (B, T, D)
  const layers = p.layers.map((each, i) => {
    const done = mamba(op, layer(c), each.mixer, layerNorm(op, each.norm, u), past.layers[i]!)
    u = op.add(u, op.dropout(done.y, c.dropout))
    return done.state
  })
  const normed = layerNorm(op, p.norm, u)
  const read = mask === undefined ? normed : op.mul(normed, mask)
  const sum = op.add(past.sum, op.reshape(sumOfRows(op, read), [0, -1]))
  const tokens = mask === undefined ? op.add(op.max(op.iota(x, 1), 0), op.constant(1)) : op.sum(mask, 1)
  const count = op.add(past.count, tokens)
  const summary = op.add(op.matmul(op.div(sum, count), p.output), p.outputBias)
  return { summary, state: { layers, sum, count } }
}
