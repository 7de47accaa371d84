/** Pure state-space models: Mamba and Mamba-2. */
import { count, flag, real, type ConfigOf } from '../config.ts'
import { mamba as mambaLayer, mambaParams, mambaState } from '../layers/mamba.ts'
import { mamba2 as mamba2Layer, NO_BOUND } from '../layers/mamba2.ts'
import { module, type Module } from '../module.ts'
import { singleBlock } from './blocks.ts'
import { defineFamily, type DecoderPlan } from './decoder.ts'
import { activation, decoderFields } from './fields.ts'

const fields = {
  ...decoderFields,
  layer_norm_epsilon: real(1e-5, 'added under the root of a norm', 0, 1),
  conv_kernel: count(4, 'taps of the convolution', 2),
  use_conv_bias: flag(true, 'bias of the convolution'),
  use_bias: flag(false, 'biases of the projections in and out'),
  hidden_act: { ...activation, help: 'activation of the convolutions' },
}

/** A stack of one kind of layer. */
function stackOf(c: ConfigOf<typeof fields>, mixer: Module): DecoderPlan {
  const [width, eps] = [c.hidden_size, c.layer_norm_epsilon]
  const layers = Array.from({ length: c.num_hidden_layers }, () => singleBlock({ width, eps }, mixer))
  return { vocab: c.vocab_size, width, layers, eps, tied: c.tie_word_embeddings }
}

export const mamba = defineFamily({
  name: 'mamba',
  about: 'Mamba (Gu & Dao 2023, arXiv 2312.00752)',
  fields: {
    ...fields,
    tie_word_embeddings: { ...decoderFields.tie_word_embeddings, default: true },
    expand: count(2, 'inner channels, in widths'),
    state_size: count(16, 'states of a channel'),
    time_step_rank: count(8, 'rank of the time steps'),
  },
  plan(c) {
    const layer = {
      width: c.hidden_size,
      expansion: c.expand,
      states: c.state_size,
      conv: c.conv_kernel,
      rank: c.time_step_rank,
      convBias: c.use_conv_bias,
      activation: c.hidden_act,
      bias: c.use_bias,
    }
    const mixer = module(mambaParams(layer), mambaState(layer), (op, p, x, past) => mambaLayer(op, layer, p, x, past))
    return stackOf(c, mixer)
  },
})

export const mamba2 = defineFamily({
  name: 'mamba2',
  about: 'Mamba-2 (Dao & Gu 2024, arXiv 2405.21060)',
  fields: {
    ...fields,
    num_heads: count(8, 'heads of a layer'),
    head_dim: count(32, 'channels of a head'),
    n_groups: count(1, 'groups of heads that share B and C'),
    state_size: count(16, 'states of a channel'),
    time_step_limit: { default: [0, NO_BOUND] as readonly number[], help: 'bounds of the time step', min: 0 },
  },
  plan(c) {
    const mixer = mamba2Layer({
      width: c.hidden_size,
      heads: c.num_heads,
      channels: c.head_dim,
      groups: c.n_groups,
      states: c.state_size,
      conv: c.conv_kernel,
      convBias: c.use_conv_bias,
      activation: c.hidden_act,
      bias: c.use_bias,
      norm: 'gateFirst',
      eps: c.layer_norm_epsilon,
      dtLimit: [c.time_step_limit[0] ?? 0, c.time_step_limit[1] ?? NO_BOUND],
    })
    return stackOf(c, mixer)
  },
})
