/** Falcon-H1: attention and Mamba-2 side by side; the multipliers are in the weights of the file. */
import { attentionFields, commonFields, type Architecture } from '../fields.ts'
import { ropeParameters } from '../rope.ts'
import { attentionTensors, mlpTensors } from './llama.ts'
import { mamba2Tensors } from './mamba.ts'

export const falconH1: Architecture = async (model) => {
  model.put('model.embed_tokens.weight', 'token_embd.weight')
  model.put('model.final_layernorm.weight', 'output_norm.weight')
  model.putIfThere('lm_head.weight', 'output.weight')
  for (let layer = 0; layer < model.layers; layer++) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.input_layernorm.weight`, `${from}.attn_norm.weight`)
    const norm = model.has(`${from}.ffn_norm`) ? `${from}.ffn_norm` : `${from}.ffn_norm.weight`
    model.put(`${to}.pre_ff_layernorm.weight`, norm)
    attentionTensors(model, `${to}.self_attn`, from)
    mamba2Tensors(model, `${to}.mamba`, from)
    mlpTensors(model, `${to}.feed_forward`, from)
  }
  const heads = model.count('ssm.time_step_rank')
  const inner = model.count('ssm.inner_size')
  return {
    ...commonFields(model, 'falcon_h1', 'FalconH1ForCausalLM'),
    ...attentionFields(model),
    intermediate_size: model.count('feed_forward_length'),
    hidden_act: 'silu',
    attention_bias: model.has('blk.0.attn_q.bias'),
    mlp_bias: model.has('blk.0.ffn_gate.bias'),
    projectors_bias: model.has('blk.0.ssm_out.bias'),
    rope_parameters: await ropeParameters(model),
    mamba_d_ssm: inner,
    mamba_expand: inner / model.count('embedding_length'),
    mamba_d_state: model.count('ssm.state_size'),
    mamba_d_conv: model.count('ssm.conv_kernel'),
    mamba_d_head: inner / heads,
    mamba_n_heads: heads,
    mamba_n_groups: model.count('ssm.group_count'),
    mamba_conv_bias: model.has('blk.0.ssm_conv1d.bias'),
    mamba_proj_bias: model.has('blk.0.ssm_in.bias'),
    mamba_rms_norm: model.has('blk.0.ssm_norm.weight'),
    mamba_norm_before_gate: false,
    time_step_limit: [0, Infinity],
    ...multipliersOfOne,
  }
}

const multipliersOfOne = {
  attention_in_multiplier: 1,
  attention_out_multiplier: 1,
  embedding_multiplier: 1,
  key_multiplier: 1,
  lm_head_multiplier: 1,
  mlp_multipliers: [1, 1],
  ssm_in_multiplier: 1,
  ssm_multipliers: [1, 1, 1, 1, 1],
  ssm_out_multiplier: 1,
}
