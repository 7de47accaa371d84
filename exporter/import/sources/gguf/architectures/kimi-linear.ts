/** Kimi Linear: delta attention with a decay per channel, and latent attention, which the file has absorbed. */
import { commonFields, outerTensors, type Architecture } from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { expertTensors } from './experts.ts'
import { mlpTensors } from './llama.ts'
import { decay } from './mamba.ts'

export const kimiLinear: Architecture = (model) => {
  const latent = model.perLayer('attention.head_count_kv').map((heads) => heads > 0)
  outerTensors(model, 'model.embed_tokens.weight', 'model.norm.weight')
  for (const [layer, full] of latent.entries()) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.input_layernorm.weight`, `${from}.attn_norm.weight`)
    model.put(`${to}.post_attention_layernorm.weight`, `${from}.ffn_norm.weight`)
    if (full) latentTensors(model, `${to}.self_attn`, from)
    else deltaTensors(model, `${to}.self_attn`, from)
    if (model.has(`${from}.ffn_gate_inp.weight`)) sparseTensors(model, `${to}.block_sparse_moe`, from)
    else mlpTensors(model, `${to}.mlp`, from)
  }
  const heads = model.count('attention.head_count')
  const rope = model.count('rope.dimension_count')
  const { max_position_embeddings: context, ...common } = commonFields(model, 'kimi_linear', 'KimiLinearForCausalLM')
  const counted = (wanted: boolean): number[] => latent.flatMap((full, layer) => (full === wanted ? [layer + 1] : []))
  return {
    ...common,
    model_max_length: context,
    num_attention_heads: heads,
    num_key_value_heads: heads,
    head_dim: model.count('embedding_length') / heads,
    intermediate_size: model.count('feed_forward_length'),
    hidden_act: 'silu',
    rms_norm_eps: model.number('attention.layer_norm_rms_epsilon'),
    linear_attn_config: {
      full_attn_layers: counted(true),
      kda_layers: counted(false),
      head_dim: model.count('kda.head_dim'),
      num_heads: heads,
      short_conv_kernel_size: model.count('ssm.conv_kernel'),
    },
    kv_lora_rank: model.count('attention.kv_lora_rank'),
    q_lora_rank: null,
    qk_nope_head_dim: model.count('attention.key_length_mla') - rope,
    qk_rope_head_dim: rope,
    v_head_dim: model.count('attention.value_length_mla'),
    mla_use_nope: true,
    rope_theta: model.number('rope.freq_base', 10_000),
    rope_scaling: null,
    first_k_dense_replace: model.number('leading_dense_block_count', 0),
    moe_layer_freq: 1,
    moe_intermediate_size: model.count('expert_feed_forward_length'),
    num_experts: model.count('expert_count'),
    num_experts_per_token: model.count('expert_used_count'),
    num_shared_experts: model.count('expert_shared_count'),
    num_expert_group: model.number('expert_group_count', 1),
    topk_group: model.number('expert_group_used_count', 1),
    use_grouped_topk: true,
    moe_renormalize: model.boolean('expert_weights_norm', true),
    moe_router_activation_func: model.number('expert_gating_func', 2) === 2 ? 'sigmoid' : 'softmax',
    routed_scaling_factor: model.number('expert_weights_scale', 1),
  }
}

function deltaTensors(model: GgufModel, to: string, from: string): void {
  for (const name of ['q', 'k', 'v']) {
    model.linear(`${to}.${name}_proj`, `${from}.attn_${name}`)
    const conv = `${from}.ssm_conv1d_${name}.weight`
    const kernel = model.tensor(conv).shape.at(-1)!
    const channels = model.tensor(`${from}.attn_${name}.weight`).shape[0]!
    model.put(`${to}.${name}_conv1d.weight`, conv, { shape: [channels, 1, kernel] })
  }
  const heads = model.count('attention.head_count')
  model.put(`${to}.A_log`, `${from}.ssm_a`, { shape: [1, 1, heads, 1], ...decay })
  model.put(`${to}.dt_bias`, `${from}.ssm_dt.bias`)
  for (const name of ['f_a', 'f_b', 'g_a', 'g_b']) model.linear(`${to}.${name}_proj`, `${from}.ssm_${name}`)
  model.linear(`${to}.b_proj`, `${from}.ssm_beta`)
  model.put(`${to}.o_norm.weight`, `${from}.ssm_norm.weight`)
  model.linear(`${to}.o_proj`, `${from}.attn_output`)
}

function latentTensors(model: GgufModel, to: string, from: string): void {
  model.linear(`${to}.q_proj`, `${from}.attn_q`)
  model.linear(`${to}.kv_a_proj_with_mqa`, `${from}.attn_kv_a_mqa`)
  model.put(`${to}.kv_a_layernorm.weight`, `${from}.attn_kv_a_norm.weight`)
  model.linear(`${to}.o_proj`, `${from}.attn_output`)
  const [heads = 0, rank = 0, keyWidth = 0] = model.tensor(`${from}.attn_k_b.weight`).shape
  const valueWidth = model.tensor(`${from}.attn_v_b.weight`).shape[1]!
  const width = keyWidth + valueWidth
  model.compute(
    `${to}.kv_b_proj.weight`,
    [`${from}.attn_k_b.weight`, `${from}.attn_v_b.weight`],
    [heads * width, rank],
    (keys, values) => joinedHeads(keys, values, { heads, rank, keyWidth, valueWidth }),
  )
}

/** For each head the keys' rows, transposed back, then the values' rows. */
function joinedHeads(
  keys: Float32Array,
  values: Float32Array,
  { heads, rank, keyWidth, valueWidth }: { heads: number; rank: number; keyWidth: number; valueWidth: number },
): Float32Array {
  const joined = new Float32Array(keys.length + values.length)
  for (let head = 0; head < heads; head++) {
    const start = head * (keyWidth + valueWidth) * rank
    for (let row = 0; row < keyWidth; row++)
      for (let column = 0; column < rank; column++)
        joined[start + row * rank + column] = keys[(head * rank + column) * keyWidth + row]!
    const own = values.subarray(head * valueWidth * rank, (head + 1) * valueWidth * rank)
    joined.set(own, start + keyWidth * rank)
  }
  return joined
}

function sparseTensors(model: GgufModel, to: string, from: string): void {
  model.put(`${to}.gate.weight`, `${from}.ffn_gate_inp.weight`)
  model.put(`${to}.gate.e_score_correction_bias`, `${from}.exp_probs_b.bias`)
  expertTensors(model, `${to}.experts`, from, { gate: 'w1', up: 'w3', down: 'w2' })
  mlpTensors(model, `${to}.shared_experts`, from, '_shexp')
}
