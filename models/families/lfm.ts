/** LFM2 and LFM3: short convolutions in most layers, attention in the others. */
import { count, flag, real, type Options } from '../config.ts'
import { gatedMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { ropeOf } from '../layers/rotary.ts'
import { shortConv } from '../layers/short-conv.ts'
import { preNormBlock, sandwichBlock } from './blocks.ts'
import { defineFamily } from './decoder.ts'
import { attentionFields, decoderFields, headsOf, windowFields } from './fields.ts'

const fields = {
  ...decoderFields,
  ...attentionFields,
  tie_word_embeddings: { ...decoderFields.tie_word_embeddings, default: true },
  norm_eps: real(1e-5, 'added under the root of a norm', 0, 1),
  layer_types: windowFields.layer_types,
  intermediate_size: count(352, 'inner width of the feed-forward layers'),
  conv_L_cache: count(3, 'taps of the convolutions', 2),
  conv_bias: flag(false, 'biases of the convolutions and their projections'),
}

export const lfm2 = defineFamily({
  name: 'lfm2',
  about: 'LFM2 (Liquid AI 2025, arXiv 2511.23404): gated short convolutions and attention',
  fields: {
    ...fields,
    block_auto_adjust_ff_dim: flag(true, 'the inner width is computed from intermediate_size'),
    block_ffn_dim_multiplier: real(1, 'multiplied with two thirds of intermediate_size', 0, 100),
    block_multiple_of: count(256, 'the inner width is rounded up to a multiple of this'),
  },
  plan(c) {
    const heads = headsOf(c)
    const rope = ropeOf('lfm2', c.rope_parameters, heads.channels, c.max_position_embeddings)
    const adjusted = Math.floor(c.block_ffn_dim_multiplier * Math.floor((2 * c.intermediate_size) / 3))
    const hidden = c.block_auto_adjust_ff_dim
      ? c.block_multiple_of * Math.ceil(adjusted / c.block_multiple_of)
      : c.intermediate_size
    const block = { width: c.hidden_size, eps: c.norm_eps }
    const mlp = gatedMlp({ width: c.hidden_size, hidden, activation: 'silu' })
    const attention = groupedAttention({ ...heads, rope, eps: c.norm_eps, qkNorm: 'head' })
    const conv = shortConv({ width: c.hidden_size, conv: c.conv_L_cache, bias: c.conv_bias })
    const layers = Array.from({ length: c.num_hidden_layers }, (_, i) =>
      preNormBlock(block, c.layer_types[i] === 'full_attention' ? attention : conv, mlp),
    )
    return { vocab: c.vocab_size, width: c.hidden_size, layers, eps: c.norm_eps, tied: c.tie_word_embeddings }
  },
})

export const lfm3 = defineFamily({
  name: 'lfm3',
  about: 'LFM3: longer convolutions, sliding and full attention with a gate for each head',
  fields: {
    ...fields,
    sliding_window: windowFields.sliding_window,
    attention_bias: flag(false, 'biases of all projections of the attention'),
    use_attention_gate: flag(true, 'a sigmoid gate for each head'),
    use_sandwich_norm: flag(true, 'norms after attention and feed-forward layers too'),
  },
  plan(c) {
    const heads = headsOf(c)
    const ropes = (kind: string) =>
      ropeOf('lfm3', (c.rope_parameters[kind] ?? {}) as Options, heads.channels, c.max_position_embeddings)
    const block = { width: c.hidden_size, eps: c.norm_eps }
    const mlp = gatedMlp({ width: c.hidden_size, hidden: c.intermediate_size, activation: 'silu' })
    const conv = shortConv({ width: c.hidden_size, conv: c.conv_L_cache, bias: c.conv_bias })
    const attention = (kind: string) =>
      groupedAttention({
        ...heads,
        rope: ropes(kind),
        window: kind === 'sliding_attention' ? c.sliding_window : null,
        eps: c.norm_eps,
        qkNorm: 'head',
        bias: c.attention_bias,
        outBias: c.attention_bias,
        ...(c.use_attention_gate ? { gate: 'head' as const } : {}),
      })
    const layers = c.layer_types.map((kind) =>
      (c.use_sandwich_norm ? sandwichBlock : preNormBlock)(block, kind === 'conv' ? conv : attention(kind), mlp),
    )
    return { vocab: c.vocab_size, width: c.hidden_size, layers, eps: c.norm_eps, tied: c.tie_word_embeddings }
  },
})
