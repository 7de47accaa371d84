/** Granite 4: Mamba-2 and attention layers, a shared network and maybe experts, gate and up in one matrix. */
import { attentionFields, commonFields, outerTensors, type Architecture } from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { ropeParameters } from '../rope.ts'
import { attentionTensors, multipliers } from './llama.ts'
import { mamba2Tensors } from './mamba.ts'

export const graniteHybrid: Architecture = async (model) => {
  const kinds = model.perLayer('attention.head_count_kv').map((heads) => (heads > 0 ? 'attention' : 'mamba'))
  outerTensors(model, 'model.embed_tokens.weight', 'model.norm.weight')
  for (const [layer, kind] of kinds.entries()) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.input_layernorm.weight`, `${from}.attn_norm.weight`)
    model.put(`${to}.post_attention_layernorm.weight`, `${from}.ffn_norm.weight`)
    if (kind === 'attention') attentionTensors(model, `${to}.self_attn`, from, true)
    else mamba2Tensors(model, `${to}.mamba`, from)
    feedForwardTensors(model, to, from)
  }
  const { head_dim: _, ...heads } = attentionFields(model)
  const mambaHeads = model.count('ssm.time_step_rank')
  const inner = model.count('ssm.inner_size')
  const mamba = `blk.${kinds.indexOf('mamba')}`
  const shared = model.count('expert_shared_feed_forward_length', model.count('feed_forward_length'))
  return {
    ...commonFields(model, 'granitemoehybrid', 'GraniteMoeHybridForCausalLM'),
    ...heads,
    ...multipliers(model),
    intermediate_size: model.number('expert_feed_forward_length', model.count('feed_forward_length')),
    shared_intermediate_size: shared,
    num_local_experts: model.number('expert_count', 0),
    num_experts_per_tok: model.number('expert_used_count', 0),
    hidden_act: 'silu',
    attention_bias: false,
    layer_types: kinds,
    // llama.cpp keeps here whether positions are rotated
    position_embedding_type: model.boolean('rope.scaling.finetuned', true) ? 'rope' : 'nope',
    rope_parameters: await ropeParameters(model),
    mamba_d_state: model.count('ssm.state_size'),
    mamba_d_conv: model.count('ssm.conv_kernel'),
    mamba_d_head: inner / mambaHeads,
    mamba_n_heads: mambaHeads,
    mamba_n_groups: model.count('ssm.group_count'),
    mamba_expand: inner / model.count('embedding_length'),
    mamba_conv_bias: model.has(`${mamba}.ssm_conv1d.bias`),
    mamba_proj_bias: model.has(`${mamba}.ssm_in.bias`),
    time_step_limit: [0, Infinity],
  }
}

function feedForwardTensors(model: GgufModel, to: string, from: string): void {
  const sparse = model.has(`${from}.ffn_gate_inp.weight`)
  const suffix = sparse ? '_shexp' : ''
  const [rows = 0, hidden = 0] = model.tensor(`${from}.ffn_gate${suffix}.weight`).shape
  const parts = [`${from}.ffn_gate${suffix}.weight`, `${from}.ffn_up${suffix}.weight`]
  model.join(`${to}.shared_mlp.input_linear.weight`, parts, [2 * rows, hidden])
  model.put(`${to}.shared_mlp.output_linear.weight`, `${from}.ffn_down${suffix}.weight`)
  if (!sparse) return
  model.put(`${to}.block_sparse_moe.router.layer.weight`, `${from}.ffn_gate_inp.weight`)
  model.put(`${to}.block_sparse_moe.output_linear.weight`, `${from}.ffn_down_exps.weight`)
  fusedExperts(model, `${to}.block_sparse_moe.input_linear.weight`, from)
}

/** For each expert the rows of its gate, then those of up. */
function fusedExperts(model: GgufModel, to: string, from: string): void {
  const [experts = 0, rows = 0, columns = 0] = model.tensor(`${from}.ffn_gate_exps.weight`).shape
  const order = Int32Array.from({ length: 2 * experts * rows }, (_, row) => {
    const expert = Math.floor(row / (2 * rows))
    const within = row % (2 * rows)
    return within < rows ? expert * rows + within : (experts + expert) * rows + within - rows
  })
  const parts = [`${from}.ffn_gate_exps.weight`, `${from}.ffn_up_exps.weight`]
  model.join(to, parts, [experts, 2 * rows, columns], order)
}
