/** Qwen3-Next and Qwen3.5: gated delta networks in three layers of four, gated attention in the fourth. */
import { count, flag, type ConfigOf } from '../config.ts'
import { gatedDeltaNet } from '../layers/gated-delta-net.ts'
import { gatedMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { ropeOf } from '../layers/rotary.ts'
import { sparseExperts } from '../layers/sparse-experts.ts'
import type { Module } from '../module.ts'
import { preNormBlock } from './blocks.ts'
import { defineFamily, type DecoderPlan } from './decoder.ts'
import { softmaxExperts } from './experts.ts'
import { denseFields, expertsFields, headsOf, numbers, texts } from './fields.ts'

const deltaFields = {
  ...denseFields,
  layer_types: texts('linear_attention or full_attention for each layer; without, each fourth is full_attention'),
  full_attention_interval: count(4, 'each such layer is full_attention, where there is no list'),
  linear_num_key_heads: count(2, 'heads of keys of a delta network'),
  linear_num_value_heads: count(4, 'heads of values of a delta network'),
  linear_key_head_dim: count(16, 'channels of a key'),
  linear_value_head_dim: count(16, 'channels of a value'),
  linear_conv_kernel_dim: count(4, 'taps of the convolution', 2),
  attention_bias: flag(false, 'biases of all projections of the attention'),
}

const moeFields = {
  ...deltaFields,
  ...expertsFields,
  shared_expert_intermediate_size: count(64, 'inner width of the expert of all tokens', 0),
  mlp_only_layers: numbers('layers without experts'),
  decoder_sparse_step: count(1, 'each such layer has experts'),
}

type Delta = ConfigOf<typeof deltaFields>

function deltaPlan(owner: string, c: Delta, mlpOf: (layer: number) => Module): DecoderPlan {
  const heads = headsOf(c)
  const rope = ropeOf(owner, c.rope_parameters, heads.channels, c.max_position_embeddings)
  const block = { width: c.hidden_size, eps: c.rms_norm_eps, normOffset: 1 }
  const isFull = (i: number): boolean =>
    c.layer_types.length > 0 ? c.layer_types[i] === 'full_attention' : (i + 1) % c.full_attention_interval === 0
  const mixer = (i: number): Module =>
    isFull(i)
      ? groupedAttention({
          ...heads,
          rope,
          eps: c.rms_norm_eps,
          qkNorm: 'head',
          normOffset: 1,
          gate: 'channel',
          bias: c.attention_bias,
          outBias: c.attention_bias,
        })
      : gatedDeltaNet({
          width: c.hidden_size,
          keyHeads: c.linear_num_key_heads,
          valueHeads: c.linear_num_value_heads,
          keys: c.linear_key_head_dim,
          values: c.linear_value_head_dim,
          conv: c.linear_conv_kernel_dim,
          activation: c.hidden_act,
          eps: c.rms_norm_eps,
          betaMax: 1,
        })
  const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => preNormBlock(block, mixer(i), mlpOf(i)))
  return {
    vocab: c.vocab_size,
    width: c.hidden_size,
    layers,
    eps: c.rms_norm_eps,
    normOffset: 1,
    tied: c.tie_word_embeddings,
  }
}

const denseMlp = (c: Delta): Module =>
  gatedMlp({ width: c.hidden_size, hidden: c.intermediate_size, activation: c.hidden_act })

/** Experts, of which one serves every token behind a gate. */
function sharedExperts(c: ConfigOf<typeof moeFields>): Module {
  const shared = { width: c.hidden_size, hidden: c.shared_expert_intermediate_size, activation: c.hidden_act }
  return sparseExperts({
    ...softmaxExperts(c),
    shared: c.shared_expert_intermediate_size > 0 ? gatedMlp(shared) : undefined,
    sharedGate: c.shared_expert_intermediate_size > 0,
  })
}

export const qwen3_5 = defineFamily({
  name: 'qwen3_5',
  about: 'Qwen3.5, 3.6 and 3.8, dense: gated delta networks and gated attention',
  fields: deltaFields,
  plan: (c) => deltaPlan('qwen3_5', c, () => denseMlp(c)),
})

export const qwen3_5_moe = defineFamily({
  name: 'qwen3_5_moe',
  about: 'Qwen3.5 and 3.6 with experts: gated delta networks and gated attention',
  fields: moeFields,
  // Shares of the chosen experts sum to 1, whatever norm_topk_prob says, in the published code.
  plan: (c) => deltaPlan('qwen3_5_moe', c, () => sharedExperts({ ...c, norm_topk_prob: true })),
})

export const qwen3_next = defineFamily({
  name: 'qwen3_next',
  about: 'Qwen3-Next: gated delta networks, gated attention and experts',
  fields: moeFields,
  plan: (c) =>
    deltaPlan('qwen3_next', c, (i) =>
      c.num_experts > 0 && !c.mlp_only_layers.includes(i) && (i + 1) % c.decoder_sparse_step === 0
        ? sharedExperts(c)
        : denseMlp(c),
    ),
})
