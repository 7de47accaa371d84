/** Transformers with experts in the place of the feed-forward layers: Qwen3-MoE and gpt-oss. */
import { count, flag, real, type ConfigOf } from '../config.ts'
import { gatedMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { ropeOf } from '../layers/rotary.ts'
import { sparseExperts, type SparseExpertsConfig } from '../layers/sparse-experts.ts'
import { preNormBlock } from './blocks.ts'
import { defineFamily } from './decoder.ts'
import { denseFields, expertsFields, headsOf, numbers, windowFields } from './fields.ts'

/** The experts of Qwen: probabilities of all experts, of which the largest are taken. */
export const softmaxExperts = (
  c: ConfigOf<typeof expertsFields> & Pick<ConfigOf<typeof denseFields>, 'hidden_size' | 'hidden_act'>,
): SparseExpertsConfig => ({
  width: c.hidden_size,
  hidden: c.moe_intermediate_size,
  experts: c.num_experts,
  top: c.num_experts_per_tok,
  activation: c.hidden_act,
  gated: true,
  scores: 'softmax',
  normalise: c.norm_topk_prob,
})

export const qwen3_moe = defineFamily({
  name: 'qwen3_moe',
  about: 'Qwen 3 with experts (arXiv 2505.09388)',
  fields: {
    ...denseFields,
    ...expertsFields,
    sliding_window: windowFields.sliding_window,
    use_sliding_window: flag(false, 'whether layers slide'),
    attention_bias: flag(false, 'biases of all projections of the attention'),
    mlp_only_layers: numbers('layers without experts'),
    decoder_sparse_step: count(1, 'each such layer has experts'),
  },
  plan(c) {
    const heads = headsOf(c)
    const rope = ropeOf('qwen3_moe', c.rope_parameters, heads.channels, c.max_position_embeddings)
    const block = { width: c.hidden_size, eps: c.rms_norm_eps }
    const bias = { bias: c.attention_bias, outBias: c.attention_bias }
    const window = c.use_sliding_window ? c.sliding_window : null
    const isSparse = (i: number): boolean =>
      c.num_experts > 0 && !c.mlp_only_layers.includes(i) && (i + 1) % c.decoder_sparse_step === 0
    const dense = gatedMlp({ width: c.hidden_size, hidden: c.intermediate_size, activation: c.hidden_act })
    const sparse = sparseExperts(softmaxExperts(c))
    const attention = groupedAttention({ ...heads, ...bias, rope, window, eps: c.rms_norm_eps, qkNorm: 'head' })
    const layers = Array.from({ length: c.num_hidden_layers }, (_, i) =>
      preNormBlock(block, attention, isSparse(i) ? sparse : dense),
    )
    return { vocab: c.vocab_size, width: c.hidden_size, layers, eps: c.rms_norm_eps, tied: c.tie_word_embeddings }
  },
})

export const gpt_oss = defineFamily({
  name: 'gpt_oss',
  about: 'gpt-oss (OpenAI 2025, arXiv 2508.10925): attention sinks, clamped experts',
  fields: {
    ...denseFields,
    ...windowFields,
    num_local_experts: expertsFields.num_experts,
    num_experts_per_tok: expertsFields.num_experts_per_tok,
    attention_bias: flag(true, 'biases of all projections of the attention'),
    swiglu_alpha: real(1.702, 'slope of the sigmoid in an expert', 0, 100),
    swiglu_limit: real(7, 'where gate and up are cut off in an expert', 0, 1e6),
  },
  plan(c) {
    const heads = headsOf(c)
    const rope = ropeOf('gpt_oss', c.rope_parameters, heads.channels, c.max_position_embeddings)
    const experts = sparseExperts({
      width: c.hidden_size,
      hidden: c.intermediate_size,
      experts: c.num_local_experts,
      top: c.num_experts_per_tok,
      activation: 'silu',
      gated: true,
      scores: 'softmax',
      normalise: true,
      bias: true,
      clamped: { alpha: c.swiglu_alpha, limit: c.swiglu_limit },
    })
    const bias = { bias: c.attention_bias, outBias: c.attention_bias }
    // Without a list every second layer slides, the first one among them.
    const slides = (i: number): boolean =>
      c.layer_types.length > 0 ? c.layer_types[i] === 'sliding_attention' : i % 2 === 0
    const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => {
      const window = slides(i) ? c.sliding_window : null
      const attention = groupedAttention({ ...heads, ...bias, rope, window, eps: c.rms_norm_eps, sinks: true })
      return preNormBlock({ width: c.hidden_size, eps: c.rms_norm_eps }, attention, experts)
    })
    return { vocab: c.vocab_size, width: c.hidden_size, layers, eps: c.rms_norm_eps, tied: c.tie_word_embeddings }
  },
})
