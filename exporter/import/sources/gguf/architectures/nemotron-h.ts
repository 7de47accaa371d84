/** Nemotron-H: each layer is one mixer, which the tensors of the layer tell. */
import { commonFields, type Architecture, type Config } from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { expertTensors } from './experts.ts'
import { attentionTensors } from './llama.ts'
import { mamba2Tensors } from './mamba.ts'

export const nemotronH: Architecture = (model) => {
  model.put('backbone.embeddings.weight', 'token_embd.weight')
  model.put('backbone.norm_f.weight', 'output_norm.weight')
  model.putIfThere('lm_head.weight', 'output.weight')
  const pattern = Array.from({ length: model.layers }, (_, layer) => layerTensors(model, layer))
  const { max_position_embeddings: context, ...common } = commonFields(model, 'nemotron_h', 'NemotronHForCausalLM')
  const heads = model.count('ssm.time_step_rank')
  return {
    ...common,
    // 1,048,576 stands for a length that the configuration did not say
    max_position_embeddings: context,
    hybrid_override_pattern: pattern.join(''),
    num_attention_heads: model.count('attention.head_count'),
    num_key_value_heads: Math.max(...model.perLayer('attention.head_count_kv')),
    head_dim: model.count('attention.key_length'),
    layer_norm_epsilon: model.number(
      'attention.layer_norm_epsilon',
      model.number('attention.layer_norm_rms_epsilon', 1e-5),
    ),
    mlp_hidden_act: 'relu2',
    mamba_hidden_act: 'silu',
    attention_bias: false,
    mlp_bias: false,
    use_bias: false,
    use_conv_bias: model.has(`blk.${pattern.indexOf('M')}.ssm_conv1d.bias`),
    mamba_num_heads: heads,
    mamba_head_dim: model.count('ssm.inner_size') / heads,
    ssm_state_size: model.count('ssm.state_size'),
    n_groups: model.count('ssm.group_count'),
    conv_kernel: model.count('ssm.conv_kernel'),
    time_step_limit: [0, Infinity],
    ...(pattern.includes('-') ? { intermediate_size: Math.max(...model.perLayer('feed_forward_length')) } : {}),
    ...(pattern.includes('E') ? expertFields(model, `blk.${pattern.indexOf('E')}`) : {}),
  }
}

/** Maps a layer, and returns its letter in hybrid_override_pattern. */
function layerTensors(model: GgufModel, layer: number): 'M' | '*' | '-' | 'E' {
  const [to, from] = [`backbone.layers.${layer}`, `blk.${layer}`]
  model.put(`${to}.norm.weight`, `${from}.attn_norm.weight`)
  if (model.has(`${from}.ssm_in.weight`)) {
    mamba2Tensors(model, `${to}.mixer`, from)
    return 'M'
  }
  if (model.has(`${from}.attn_q.weight`)) {
    attentionTensors(model, `${to}.mixer`, from)
    return '*'
  }
  if (!model.has(`${from}.ffn_gate_inp.weight`)) {
    for (const name of ['up', 'down']) model.linear(`${to}.mixer.${name}_proj`, `${from}.ffn_${name}`)
    return '-'
  }
  model.put(`${to}.mixer.gate.weight`, `${from}.ffn_gate_inp.weight`)
  model.put(`${to}.mixer.gate.e_score_correction_bias`, `${from}.exp_probs_b.bias`)
  expertTensors(model, `${to}.mixer.experts`, from, { up: 'up_proj', down: 'down_proj' })
  for (const name of ['up', 'down'])
    model.linear(`${to}.mixer.shared_experts.${name}_proj`, `${from}.ffn_${name}_shexp`)
  model.putIfThere(`${to}.mixer.fc1_latent_proj.weight`, `${from}.ffn_latent_down.weight`)
  model.putIfThere(`${to}.mixer.fc2_latent_proj.weight`, `${from}.ffn_latent_up.weight`)
  return 'E'
}

function expertFields(model: GgufModel, layer: string): Config {
  const latent = `${layer}.ffn_latent_down.weight`
  return {
    n_routed_experts: model.count('expert_count'),
    num_experts_per_tok: model.count('expert_used_count'),
    n_shared_experts: model.count('expert_shared_count'),
    n_group: model.number('expert_group_count', 1),
    topk_group: model.number('expert_group_used_count', 1),
    moe_intermediate_size: model.count('expert_feed_forward_length'),
    moe_shared_expert_intermediate_size: model.count('expert_shared_feed_forward_length'),
    moe_latent_size: model.has(latent) ? model.tensor(latent).shape[0]! : null,
    norm_topk_prob: model.boolean('expert_weights_norm', true),
    routed_scaling_factor: model.number('expert_weights_scale', 1),
  }
}
