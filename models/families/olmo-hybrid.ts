/** OLMo Hybrid (Ai2 2026): delta networks whose writes may overshoot, and attention that is normed after it. */
import { count, flag } from '../config.ts'
import { gatedDeltaNet } from '../layers/gated-delta-net.ts'
import { gatedMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { ropeOf } from '../layers/rotary.ts'
import { postNormBlock, preNormBlock } from './blocks.ts'
import { defineFamily } from './decoder.ts'
import { denseFields, headsOf, texts } from './fields.ts'

export const olmo_hybrid = defineFamily({
  name: 'olmo_hybrid',
  about: 'OLMo Hybrid: delta networks with negative eigenvalues and attention normed after it',
  fields: {
    ...denseFields,
    layer_types: texts('linear_attention or full_attention for each layer'),
    attention_bias: flag(false, 'biases of all projections of the attention'),
    linear_num_key_heads: count(4, 'heads of keys of a delta network'),
    linear_num_value_heads: count(4, 'heads of values of a delta network'),
    linear_key_head_dim: count(16, 'channels of a key'),
    linear_value_head_dim: count(32, 'channels of a value'),
    linear_conv_kernel_dim: count(4, 'taps of the convolution', 2),
    linear_allow_neg_eigval: flag(true, 'writes are twice as strong'),
  },
  plan(c) {
    const heads = headsOf(c)
    const rope = ropeOf('olmo_hybrid', c.rope_parameters, heads.channels, c.max_position_embeddings)
    const block = { width: c.hidden_size, eps: c.rms_norm_eps }
    const mlp = gatedMlp({ width: c.hidden_size, hidden: c.intermediate_size, activation: c.hidden_act })
    const bias = { bias: c.attention_bias, outBias: c.attention_bias }
    const attention = groupedAttention({ ...heads, ...bias, rope, eps: c.rms_norm_eps, qkNorm: 'whole' })
    const delta = gatedDeltaNet({
      width: c.hidden_size,
      keyHeads: c.linear_num_key_heads,
      valueHeads: c.linear_num_value_heads,
      keys: c.linear_key_head_dim,
      values: c.linear_value_head_dim,
      conv: c.linear_conv_kernel_dim,
      activation: c.hidden_act,
      eps: 1e-5, // whatever rms_norm_eps says, in the published code
      betaMax: c.linear_allow_neg_eigval ? 2 : 1,
    })
    const layers = Array.from({ length: c.num_hidden_layers }, (_, i) =>
      c.layer_types[i] === 'full_attention' ? postNormBlock(block, attention, mlp) : preNormBlock(block, delta, mlp),
    )
    return { vocab: c.vocab_size, width: c.hidden_size, layers, eps: c.rms_norm_eps, tied: c.tie_word_embeddings }
  },
})
