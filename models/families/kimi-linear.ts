/** Kimi Linear (Moonshot 2025, arXiv 2510.26692): delta networks with a decay per channel, latent attention, experts. */
import { count, flag, real } from '../config.ts'
import { gatedMlp } from '../layers/gated-mlp.ts'
import { kimiDeltaNet } from '../layers/gated-delta-net.ts'
import { latentAttention } from '../layers/latent-attention.ts'
import { sparseExperts } from '../layers/sparse-experts.ts'
import { preNormBlock } from './blocks.ts'
import { defineFamily } from './decoder.ts'
import { activation, decoderFields, rmsNormField, texts } from './fields.ts'

export const kimi_linear = defineFamily({
  name: 'kimi_linear',
  about: 'Kimi Linear: three delta networks with a decay per channel to each latent attention, experts',
  fields: {
    ...decoderFields,
    ...rmsNormField,
    hidden_act: activation,
    intermediate_size: count(352, 'inner width of the layers without experts'),
    layer_types: texts('linear_attention or full_attention for each layer'),
    mlp_layer_types: texts('dense or sparse for each layer'),
    num_attention_heads: count(4, 'heads of the latent attention'),
    kv_lora_rank: count(32, 'channels of the latent'),
    qk_nope_head_dim: count(16, 'channels of a key from the latent'),
    qk_rope_head_dim: count(8, 'channels of a key that all heads share'),
    v_head_dim: count(16, 'channels of a value'),
    linear_num_heads: count(4, 'heads of a delta network'),
    linear_head_dim: count(16, 'channels of such a head'),
    linear_conv_kernel_dim: count(4, 'taps of the convolutions', 2),
    num_experts: count(8, 'experts of a layer', 0),
    num_experts_per_token: count(2, 'experts of a token', 0),
    num_shared_experts: count(1, 'experts of all tokens', 0),
    moe_intermediate_size: count(64, 'inner width of an expert', 0),
    num_expert_group: count(1, 'groups of experts'),
    topk_group: count(1, 'groups that a token looks at'),
    moe_renormalize: flag(true, 'shares of the chosen experts sum to 1'),
    routed_scaling_factor: real(1, 'multiplied with the shares', -1e6, 1e6),
  },
  plan(c) {
    const width = c.hidden_size
    const mlp = (hidden: number) => gatedMlp({ width, hidden, activation: c.hidden_act })
    const delta = kimiDeltaNet({
      width,
      keyHeads: c.linear_num_heads,
      valueHeads: c.linear_num_heads,
      keys: c.linear_head_dim,
      values: c.linear_head_dim,
      conv: c.linear_conv_kernel_dim,
      activation: c.hidden_act,
      eps: c.rms_norm_eps,
      betaMax: 1,
    })
    const attention = latentAttention({
      width,
      heads: c.num_attention_heads,
      latent: c.kv_lora_rank,
      keys: c.qk_nope_head_dim,
      shared: c.qk_rope_head_dim,
      values: c.v_head_dim,
      eps: 1e-6, // whatever rms_norm_eps says, in the published code
    })
    const experts = sparseExperts({
      width,
      hidden: c.moe_intermediate_size,
      experts: c.num_experts,
      top: c.num_experts_per_token,
      activation: c.hidden_act,
      gated: true,
      scores: 'sigmoid',
      normalise: c.moe_renormalize,
      scale: c.routed_scaling_factor,
      correction: true,
      groups: [c.num_expert_group, c.topk_group],
      shared: c.num_shared_experts > 0 ? mlp(c.moe_intermediate_size * c.num_shared_experts) : undefined,
    })
    const layers = c.layer_types.map((kind, i) =>
      preNormBlock(
        { width, eps: c.rms_norm_eps },
        kind === 'full_attention' ? attention : delta,
        c.mlp_layer_types[i] === 'sparse' ? experts : mlp(c.intermediate_size),
      ),
    )
    return { vocab: c.vocab_size, width, layers, eps: c.rms_norm_eps, tied: c.tie_word_embeddings }
  },
})
