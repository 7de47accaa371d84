/** Qwen3.5 and Qwen3-Next: gated delta nets beside gated attention, dense or with experts. */
import { attentionFields, commonFields, layerTypes, type Architecture, type Config } from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { groupedRows } from '../orders.ts'
import { ropeParameters } from '../rope.ts'
import { expertTensors } from './experts.ts'
import { mlpTensors } from './llama.ts'
import { decay } from './mamba.ts'

/** Files have the 1 added that published norms add when they run. */
const minusOne = { each: (weight: number) => weight - 1 }

export const qwen35: Architecture = (model) => qwen35Fields(model, 'qwen3_5_text', 'Qwen3_5ForCausalLM', groupedHeads)

export const qwen35Moe: Architecture = async (model) => ({
  ...(await qwen35Fields(model, 'qwen3_5_moe_text', 'Qwen3_5MoeForCausalLM', groupedHeads)),
  ...expertFields(model),
})

/** Its files have the projections of the delta nets taken apart, in another order than Qwen3.5's. */
export const qwen3Next: Architecture = async (model) => {
  const fields = await qwen35Fields(model, 'qwen3_next', 'Qwen3NextForCausalLM', fusedHeads)
  return {
    ...fields,
    ...(model.number('expert_count', 0) > 0
      ? { ...expertFields(model), norm_topk_prob: true, decoder_sparse_step: 1, mlp_only_layers: [] }
      : {}),
  }
}

/** Widths of the delta nets: llama.cpp has one number for the width of keys and of values. */
interface Heads {
  readonly keys: number
  readonly values: number
  readonly keyWidth: number
  readonly valueWidth: number
}

function headsOf(model: GgufModel): Heads {
  const [keys, values] = [model.count('ssm.group_count'), model.count('ssm.time_step_rank')]
  const valueWidth = model.count('ssm.inner_size') / values
  if (values % keys !== 0) throw model.wrong('ssm.time_step_rank', `a multiple of the ${keys} key heads`, values)
  if (!Number.isInteger(valueWidth)) throw model.wrong('ssm.inner_size', `a multiple of ${values} heads`, valueWidth)
  return { keys, values, keyWidth: model.count('ssm.state_size'), valueWidth }
}

async function qwen35Fields(
  model: GgufModel,
  type: string,
  className: string,
  deltaNet: (model: GgufModel, to: string, from: string) => void,
): Promise<Config> {
  const kinds = layerTypes(model, 'linear_attention')
  model.put('model.embed_tokens.weight', 'token_embd.weight')
  model.put('model.norm.weight', 'output_norm.weight', minusOne)
  model.putIfThere('lm_head.weight', 'output.weight')
  for (const [layer, kind] of kinds.entries()) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.input_layernorm.weight`, `${from}.attn_norm.weight`, minusOne)
    model.put(`${to}.post_attention_layernorm.weight`, `${from}.post_attention_norm.weight`, minusOne)
    if (kind === 'full_attention') gatedAttention(model, `${to}.self_attn`, from)
    else deltaNet(model, `${to}.linear_attn`, from)
    if (model.has(`${from}.ffn_gate_inp.weight`)) sparseTensors(model, `${to}.mlp`, from)
    else mlpTensors(model, `${to}.mlp`, from)
  }
  const heads = headsOf(model)
  const attention = attentionFields(model)
  const sections = model.file.metadata.get(`${model.architecture}.rope.dimension_sections`)
  return {
    ...commonFields(model, type, className),
    ...attention,
    ...(model.number('feed_forward_length', 0) > 0 ? { intermediate_size: model.count('feed_forward_length') } : {}),
    hidden_act: 'silu',
    attention_bias: false,
    layer_types: kinds,
    linear_conv_kernel_dim: model.count('ssm.conv_kernel'),
    linear_key_head_dim: heads.keyWidth,
    linear_value_head_dim: heads.valueWidth,
    linear_num_key_heads: heads.keys,
    linear_num_value_heads: heads.values,
    rope_parameters: {
      ...(await ropeParameters(model)),
      partial_rotary_factor: model.count('rope.dimension_count') / (attention['head_dim'] as number),
      ...(Array.isArray(sections) ? { mrope_interleaved: true, mrope_section: sections.slice(0, 3) } : {}),
    },
  }
}

function gatedAttention(model: GgufModel, to: string, from: string): void {
  for (const name of ['q', 'k', 'v']) model.linear(`${to}.${name}_proj`, `${from}.attn_${name}`)
  model.linear(`${to}.o_proj`, `${from}.attn_output`)
  for (const name of ['q', 'k']) model.put(`${to}.${name}_norm.weight`, `${from}.attn_${name}_norm.weight`, minusOne)
}

/** Value heads lie tiled in the file, and are put back into groups of their key head. */
function groupedHeads(model: GgufModel, to: string, from: string): void {
  const { keys, values, keyWidth, valueWidth } = headsOf(model)
  checkWidths(model, from)
  model.expectRows(`${from}.ssm_alpha.weight`, values)
  const wide = groupedRows(keys, values, valueWidth)
  const single = groupedRows(keys, values, 1)
  const afterKeys = groupedRows(keys, values, valueWidth, 2 * keys * keyWidth)
  model.put(`${to}.in_proj_qkv.weight`, `${from}.attn_qkv.weight`, { rows: afterKeys })
  model.put(`${to}.in_proj_z.weight`, `${from}.attn_gate.weight`, { rows: wide })
  model.put(`${to}.in_proj_a.weight`, `${from}.ssm_alpha.weight`, { rows: single })
  model.put(`${to}.in_proj_b.weight`, `${from}.ssm_beta.weight`, { rows: single })
  model.put(`${to}.A_log`, `${from}.ssm_a`, { rows: single, ...decay })
  model.put(`${to}.dt_bias`, `${from}.ssm_dt.bias`, { rows: single })
  const [channels = 0, kernel = 0] = model.tensor(`${from}.ssm_conv1d.weight`).shape
  model.put(`${to}.conv1d.weight`, `${from}.ssm_conv1d.weight`, { rows: afterKeys, shape: [channels, 1, kernel] })
  model.put(`${to}.norm.weight`, `${from}.ssm_norm.weight`)
  model.put(`${to}.out_proj.weight`, `${from}.ssm_out.weight`, { columns: wide })
}

/** The published projection has, for each key head, its q and k, then the v and z of its value heads. */
function fusedHeads(model: GgufModel, to: string, from: string): void {
  const { keys, values, keyWidth, valueWidth } = headsOf(model)
  checkWidths(model, from)
  const groupWidth = (values / keys) * valueWidth
  const order = Array.from({ length: keys }, (_, head) => [
    { start: head * keyWidth, count: keyWidth },
    { start: (keys + head) * keyWidth, count: keyWidth },
    { start: 2 * keys * keyWidth + head * groupWidth, count: groupWidth },
    { start: 2 * keys * keyWidth + values * valueWidth + head * groupWidth, count: groupWidth },
  ]).flat()
  const rows = Int32Array.from(order.flatMap(({ start, count }) => Array.from({ length: count }, (_, i) => start + i)))
  const hidden = model.count('embedding_length')
  const parts = [`${from}.attn_qkv.weight`, `${from}.attn_gate.weight`]
  model.join(`${to}.in_proj_qkvz.weight`, parts, [rows.length, hidden], rows)
  model.put(`${to}.in_proj_ba.weight`, `${from}.ssm_ba.weight`)
  model.put(`${to}.A_log`, `${from}.ssm_a`, decay)
  model.put(`${to}.dt_bias`, `${from}.ssm_dt.bias`)
  const [channels = 0, kernel = 0] = model.tensor(`${from}.ssm_conv1d.weight`).shape
  model.put(`${to}.conv1d.weight`, `${from}.ssm_conv1d.weight`, { shape: [channels, 1, kernel] })
  model.put(`${to}.norm.weight`, `${from}.ssm_norm.weight`)
  model.put(`${to}.out_proj.weight`, `${from}.ssm_out.weight`)
}

/** Orders of rows are made of the metadata's numbers, so that these are compared with the tensors first. */
function checkWidths(model: GgufModel, from: string): void {
  const { keys, values, keyWidth, valueWidth } = headsOf(model)
  model.expectRows(`${from}.attn_gate.weight`, values * valueWidth)
  model.expectRows(`${from}.attn_qkv.weight`, 2 * keys * keyWidth + values * valueWidth)
}

function sparseTensors(model: GgufModel, to: string, from: string): void {
  model.put(`${to}.gate.weight`, `${from}.ffn_gate_inp.weight`)
  expertTensors(model, `${to}.experts`, from, { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' })
  mlpTensors(model, `${to}.shared_expert`, from, '_shexp')
  const gate = model.tensor(`${from}.ffn_gate_inp_shexp.weight`)
  model.put(`${to}.shared_expert_gate.weight`, `${from}.ffn_gate_inp_shexp.weight`, { shape: [1, gate.shape.at(-1)!] })
}

function expertFields(model: GgufModel): Config {
  return {
    num_experts: model.count('expert_count'),
    num_experts_per_tok: model.count('expert_used_count'),
    moe_intermediate_size: model.count('expert_feed_forward_length'),
    shared_expert_intermediate_size: model.count('expert_shared_feed_forward_length'),
  }
}
