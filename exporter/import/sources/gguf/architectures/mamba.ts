/** Mamba and Mamba-2, and the mixer that hybrids share with the latter. */
import { specialTokens, type Architecture, type Config } from '../fields.ts'
import type { Change, GgufModel } from '../model.ts'

/** Files have -exp(A_log). */
export const decay: Change = { each: (value) => Math.log(-value) }

export const mamba: Architecture = (model) => {
  mambaTensors(model, (to, from) => {
    model.linear(`${to}.x_proj`, `${from}.ssm_x`)
    model.linear(`${to}.dt_proj`, `${from}.ssm_dt`)
    model.put(`${to}.A_log`, `${from}.ssm_a`, decay)
    model.put(`${to}.D`, `${from}.ssm_d`)
  })
  if (model.boolean('ssm.dt_b_c_rms', false))
    throw model.wrong('ssm.dt_b_c_rms', 'false: norms of dt, B and C are FalconMamba', true)
  return {
    ...mambaFields(model, 'mamba', 'MambaForCausalLM'),
    intermediate_size: model.count('ssm.inner_size'),
    time_step_rank: model.count('ssm.time_step_rank'),
  }
}

export const mamba2: Architecture = (model) => {
  mambaTensors(model, (to, from) => mamba2Values(model, to, from))
  const heads = model.count('ssm.time_step_rank')
  return {
    ...mambaFields(model, 'mamba2', 'Mamba2ForCausalLM'),
    num_heads: heads,
    head_dim: model.count('ssm.inner_size') / heads,
    n_groups: model.count('ssm.group_count'),
    time_step_limit: [0, Infinity],
  }
}

/** Convolution, projections and values of a Mamba-2 mixer. */
export function mamba2Tensors(model: GgufModel, to: string, from: string): void {
  mixerTensors(model, to, from)
  mamba2Values(model, to, from)
}

function mamba2Values(model: GgufModel, to: string, from: string): void {
  const heads = model.tensor(`${from}.ssm_d`).shape[0]!
  model.put(`${to}.A_log`, `${from}.ssm_a`, { shape: [heads], ...decay })
  model.put(`${to}.D`, `${from}.ssm_d`, { shape: [heads] })
  model.put(`${to}.dt_bias`, `${from}.ssm_dt.bias`)
  if (!model.has(`${from}.ssm_norm.weight`)) return
  const [groups = 0, width = 0] = model.tensor(`${from}.ssm_norm.weight`).shape
  model.put(`${to}.norm.weight`, `${from}.ssm_norm.weight`, { shape: [groups * width] })
}

function mixerTensors(model: GgufModel, to: string, from: string): void {
  model.linear(`${to}.in_proj`, `${from}.ssm_in`)
  model.linear(`${to}.out_proj`, `${from}.ssm_out`)
  const [channels = 0, kernel = 0] = model.tensor(`${from}.ssm_conv1d.weight`).shape
  model.put(`${to}.conv1d.weight`, `${from}.ssm_conv1d.weight`, { shape: [channels, 1, kernel] })
  model.putIfThere(`${to}.conv1d.bias`, `${from}.ssm_conv1d.bias`)
}

function mambaTensors(model: GgufModel, values: (to: string, from: string) => void): void {
  model.put('backbone.embeddings.weight', 'token_embd.weight')
  model.put('backbone.norm_f.weight', 'output_norm.weight')
  model.putIfThere('lm_head.weight', 'output.weight')
  for (let layer = 0; layer < model.layers; layer++) {
    const [to, from] = [`backbone.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.norm.weight`, `${from}.attn_norm.weight`)
    mixerTensors(model, `${to}.mixer`, from)
    values(`${to}.mixer`, from)
  }
}

function mambaFields(model: GgufModel, type: string, className: string): Config {
  const hidden = model.count('embedding_length')
  const inner = model.count('ssm.inner_size')
  return {
    architectures: [className],
    model_type: type,
    hidden_size: hidden,
    expand: inner / hidden,
    num_hidden_layers: model.layers,
    vocab_size: model.tensor('token_embd.weight').shape[0]!,
    state_size: model.count('ssm.state_size'),
    conv_kernel: model.count('ssm.conv_kernel'),
    layer_norm_epsilon: model.number('attention.layer_norm_rms_epsilon'),
    hidden_act: 'silu',
    use_bias: model.has('blk.0.ssm_in.bias'),
    use_conv_bias: model.has('blk.0.ssm_conv1d.bias'),
    tie_word_embeddings: !model.has('output.weight'),
    ...specialTokens(model),
  }
}
