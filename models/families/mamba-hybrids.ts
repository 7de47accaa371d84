/** Granite 4, Falcon-H1 and Nemotron-H: Mamba-2 and attention, in turn or side by side. */
import { choice, count, flag, optional, real, type Field } from '../config.ts'
import { ACTIVATIONS } from '../layers/activation.ts'
import { gatedMlp, plainMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { mamba2, NO_BOUND } from '../layers/mamba2.ts'
import { ropeOf } from '../layers/rotary.ts'
import { sparseExperts } from '../layers/sparse-experts.ts'
import { module, type Module } from '../module.ts'
import { preNormBlock, singleBlock } from './blocks.ts'
import { defineFamily } from './decoder.ts'
import { activation, attentionFields, decoderFields, denseFields, headsOf, texts } from './fields.ts'

const scale = (help: string, value = 1): Field<number> => real(value, help, -1e6, 1e6)
const bounds = (help: string): Field<readonly number[]> => ({ default: [0, NO_BOUND], help, min: 0 })

const mambaFields = {
  mamba_n_heads: count(8, 'heads of a Mamba-2 layer'),
  mamba_d_head: count(16, 'channels of such a head'),
  mamba_n_groups: count(1, 'groups of heads that share B and C'),
  mamba_d_state: count(16, 'states of a channel'),
  mamba_d_conv: count(4, 'taps of the convolution', 2),
  mamba_conv_bias: flag(true, 'bias of the convolution'),
  mamba_proj_bias: flag(false, 'biases of the projections of a Mamba-2 layer'),
  time_step_limit: bounds('bounds of the time step'),
}

type Mamba = { readonly [K in keyof typeof mambaFields]: (typeof mambaFields)[K]['default'] }

const mambaOf = (
  c: Mamba & { readonly hidden_size: number; readonly rms_norm_eps: number; readonly hidden_act: string },
) => ({
  width: c.hidden_size,
  heads: c.mamba_n_heads,
  channels: c.mamba_d_head,
  groups: c.mamba_n_groups,
  states: c.mamba_d_state,
  conv: c.mamba_d_conv,
  convBias: c.mamba_conv_bias,
  activation: c.hidden_act,
  bias: c.mamba_proj_bias,
  eps: c.rms_norm_eps,
  dtLimit: [c.time_step_limit[0] ?? 0, c.time_step_limit[1] ?? NO_BOUND] as const,
})

export const granitemoehybrid = defineFamily({
  name: 'granitemoehybrid',
  about: 'Granite 4 (IBM 2025): Mamba-2 in most layers, attention in the others, experts and a shared layer',
  fields: {
    ...denseFields,
    ...mambaFields,
    layer_types: texts('linear_attention or full_attention for each layer'),
    position_embedding_type: choice('nope', ['rope', 'nope'], 'whether keys and queries are turned'),
    attention_bias: flag(false, 'biases of all projections of the attention'),
    shared_intermediate_size: count(352, 'inner width of the layer of all tokens'),
    num_local_experts: count(0, 'experts of a layer; 0 for none', 0),
    num_experts_per_tok: count(0, 'experts of a token', 0),
    embedding_multiplier: scale('multiplied with the embedding'),
    residual_multiplier: scale('multiplied with what a layer adds'),
    attention_multiplier: scale('multiplied with the scores of the attention'),
    logits_scaling: scale('logits are divided by it'),
  },
  plan(c) {
    const heads = headsOf(c)
    const rope =
      c.position_embedding_type === 'rope'
        ? ropeOf('granitemoehybrid', c.rope_parameters, heads.channels, c.max_position_embeddings)
        : null
    const bias = { bias: c.attention_bias, outBias: c.attention_bias }
    const attention = groupedAttention({ ...heads, ...bias, rope, scale: c.attention_multiplier, eps: c.rms_norm_eps })
    const mamba = mamba2({ ...mambaOf(c), norm: 'gateFirst' })
    const shared = gatedMlp({ width: c.hidden_size, hidden: c.shared_intermediate_size, activation: c.hidden_act })
    const experts = sparseExperts({
      width: c.hidden_size,
      hidden: c.intermediate_size,
      experts: c.num_local_experts,
      top: c.num_experts_per_tok,
      activation: c.hidden_act,
      gated: true,
      scores: 'softmax',
      normalise: true,
      shared,
    })
    const block = { width: c.hidden_size, eps: c.rms_norm_eps, residualScale: c.residual_multiplier }
    const isFull = (i: number): boolean => c.layer_types[i] === 'full_attention'
    const layers = Array.from({ length: c.num_hidden_layers }, (_, i) =>
      preNormBlock(block, isFull(i) ? attention : mamba, c.num_local_experts > 0 ? experts : shared),
    )
    return {
      vocab: c.vocab_size,
      width: c.hidden_size,
      layers,
      eps: c.rms_norm_eps,
      tied: c.tie_word_embeddings,
      embedScale: c.embedding_multiplier,
      logitScale: 1 / c.logits_scaling,
    }
  },
})

export const falcon_h1 = defineFamily({
  name: 'falcon_h1',
  about: 'Falcon-H1 (TII 2025, arXiv 2507.22448): Mamba-2 and attention side by side in each layer',
  fields: {
    ...denseFields,
    ...mambaFields,
    attention_bias: flag(false, 'biases of all projections of the attention'),
    mlp_bias: flag(false, 'biases of the feed-forward layers'),
    projectors_bias: flag(false, 'bias of the projection out of a Mamba-2 layer'),
    mamba_rms_norm: flag(false, 'a norm beside the gate of a Mamba-2 layer'),
    mamba_norm_before_gate: flag(true, 'whether that norm comes before the gate'),
    embedding_multiplier: scale('multiplied with the embedding'),
    lm_head_multiplier: scale('multiplied with the logits'),
    attention_in_multiplier: scale('multiplied with what attention reads'),
    attention_out_multiplier: scale('multiplied with what attention adds'),
    key_multiplier: scale('multiplied with the keys'),
    ssm_in_multiplier: scale('multiplied with what Mamba-2 reads'),
    ssm_out_multiplier: scale('multiplied with what Mamba-2 adds'),
    ssm_multipliers: { default: [1, 1, 1, 1, 1] as readonly number[], help: 'of z, x, B, C and dt' },
    mlp_multipliers: { default: [1, 1] as readonly number[], help: 'of the gate, and of what the layer adds' },
  },
  plan(c) {
    const heads = headsOf(c)
    const rope = ropeOf('falcon_h1', c.rope_parameters, heads.channels, c.max_position_embeddings)
    const mixer = sideBySide(
      groupedAttention({
        ...heads,
        rope,
        bias: c.attention_bias,
        outBias: c.attention_bias,
        keyScale: c.key_multiplier,
        eps: c.rms_norm_eps,
      }),
      mamba2({
        ...mambaOf(c),
        outBias: c.projectors_bias,
        norm: !c.mamba_rms_norm ? 'none' : c.mamba_norm_before_gate ? 'gateLast' : 'gateFirst',
        inScale: c.ssm_in_multiplier,
        partScales: c.ssm_multipliers as unknown as readonly [number, number, number, number, number],
      }),
      [c.attention_in_multiplier, c.attention_out_multiplier, c.ssm_out_multiplier],
    )
    const mlp = gatedMlp({
      width: c.hidden_size,
      hidden: c.intermediate_size,
      activation: c.hidden_act,
      bias: c.mlp_bias,
      multipliers: c.mlp_multipliers as unknown as readonly [number, number],
    })
    const block = { width: c.hidden_size, eps: c.rms_norm_eps }
    return {
      vocab: c.vocab_size,
      width: c.hidden_size,
      layers: Array.from({ length: c.num_hidden_layers }, () => preNormBlock(block, mixer, mlp)),
      eps: c.rms_norm_eps,
      tied: c.tie_word_embeddings,
      embedScale: c.embedding_multiplier,
      logitScale: c.lm_head_multiplier,
    }
  },
})

/** Attention and Mamba-2 read the same and are added. */
function sideBySide(attention: Module, mamba: Module, [into, out, ssmOut]: readonly [number, number, number]): Module {
  const params = { self_attn: attention.params as unknown, mamba: mamba.params as unknown }
  const state = { self_attn: attention.state as unknown, mamba: mamba.state as unknown }
  return module(params, state, (op, p, x, past, pass) => {
    const attended = attention.run(op, p.self_attn, op.mul(x, op.constant(into)), past.self_attn, pass)
    const scanned = mamba.run(op, p.mamba, x, past.mamba, pass)
    const y = op.add(op.mul(attended.y, op.constant(out)), op.mul(scanned.y, op.constant(ssmOut)))
    return { y, state: { self_attn: attended.state, mamba: scanned.state } }
  })
}

export const nemotron_h = defineFamily({
  name: 'nemotron_h',
  about: 'Nemotron-H and Nemotron 3 (NVIDIA 2025, arXiv 2504.03624): each layer is Mamba-2, attention, MLP or experts',
  fields: {
    ...decoderFields,
    ...attentionFields,
    layer_norm_epsilon: real(1e-5, 'added under the root of a norm', 0, 1),
    layers_block_type: texts('linear_attention, full_attention, mlp or moe for each layer'),
    intermediate_size: count(352, 'inner width of the MLPs'),
    mamba_hidden_act: { ...activation, help: 'activation of the convolutions' },
    mlp_hidden_act: choice('relu2', ACTIVATIONS, 'activation of MLPs and experts'),
    mlp_bias: flag(false, 'biases of the MLPs, also around and beside experts'),
    attention_bias: flag(false, 'biases of all projections of the attention'),
    use_conv_bias: flag(true, 'bias of the convolution'),
    use_bias: flag(false, 'biases of the projections of a Mamba-2 layer'),
    mamba_num_heads: mambaFields.mamba_n_heads,
    mamba_head_dim: mambaFields.mamba_d_head,
    n_groups: mambaFields.mamba_n_groups,
    ssm_state_size: mambaFields.mamba_d_state,
    conv_kernel: mambaFields.mamba_d_conv,
    time_step_limit: mambaFields.time_step_limit,
    n_routed_experts: count(8, 'experts of a layer', 0),
    num_experts_per_tok: count(2, 'experts of a token', 0),
    moe_intermediate_size: count(64, 'inner width of an expert', 0),
    moe_shared_expert_intermediate_size: count(64, 'inner width of the expert of all tokens', 0),
    n_shared_experts: count(1, 'experts of all tokens', 0, 1),
    moe_latent_size: optional(count(64, 'channels in which experts work')),
    n_group: count(1, 'groups of experts'),
    topk_group: count(1, 'groups that a token looks at'),
    norm_topk_prob: flag(true, 'shares of the chosen experts sum to 1'),
    routed_scaling_factor: scale('multiplied with the shares'),
  },
  plan(c) {
    const heads = headsOf(c)
    const [width, eps, act] = [c.hidden_size, c.layer_norm_epsilon, c.mlp_hidden_act]
    const shared = c.n_shared_experts > 0 ? c.moe_shared_expert_intermediate_size : 0
    const kinds: Readonly<Record<string, () => Module>> = {
      linear_attention: () =>
        mamba2({
          width,
          heads: c.mamba_num_heads,
          channels: c.mamba_head_dim,
          groups: c.n_groups,
          states: c.ssm_state_size,
          conv: c.conv_kernel,
          convBias: c.use_conv_bias,
          activation: c.mamba_hidden_act,
          bias: c.use_bias,
          eps,
          dtLimit: [c.time_step_limit[0] ?? 0, c.time_step_limit[1] ?? NO_BOUND],
          norm: 'gateFirst',
        }),
      full_attention: () =>
        groupedAttention({ ...heads, rope: null, eps, bias: c.attention_bias, outBias: c.attention_bias }),
      mlp: () => plainMlp({ width, hidden: c.intermediate_size, activation: act, bias: c.mlp_bias }),
      moe: () =>
        sparseExperts({
          width,
          hidden: c.moe_intermediate_size,
          experts: c.n_routed_experts,
          top: c.num_experts_per_tok,
          activation: act,
          gated: false,
          scores: 'sigmoid',
          normalise: c.norm_topk_prob,
          scale: c.routed_scaling_factor,
          correction: true,
          groups: [c.n_group, c.topk_group],
          latent: c.moe_latent_size,
          latentBias: c.mlp_bias,
          shared: shared > 0 ? plainMlp({ width, hidden: shared, activation: act, bias: c.mlp_bias }) : undefined,
        }),
    }
    const layers = c.layers_block_type.map((kind) => singleBlock({ width, eps }, kinds[kind]!()))
    return { vocab: c.vocab_size, width, layers, eps, tied: c.tie_word_embeddings }
  },
})
