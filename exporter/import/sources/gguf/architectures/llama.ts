/** Transformers of Llama's form: Llama, Mistral, SmolLM3, Qwen 2 and 3, Granite. */
import {
  attentionFields,
  commonFields,
  outerTensors,
  refuseExperts,
  type Architecture,
  type Config,
} from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { unpairedRows } from '../orders.ts'
import { ropeParameters } from '../rope.ts'

/** Also Mistral, and Llama-shaped models such as SmolLM2: files do not tell them apart. */
export const llama: Architecture = async (model) => {
  refuseExperts(model)
  decoderTensors(model, true)
  return { ...(await decoderFields(model, 'llama', 'LlamaForCausalLM')), mlp_bias: model.has('blk.0.ffn_gate.bias') }
}

/** llama.cpp itself leaves every fourth layer without rope. */
export const smollm3: Architecture = async (model) => {
  decoderTensors(model, true)
  return {
    ...(await decoderFields(model, 'smollm3', 'SmolLM3ForCausalLM')),
    mlp_bias: false,
    ...withoutWindow(model),
    no_rope_layer_interval: 4,
    no_rope_layers: Array.from({ length: model.layers }, (_, layer) => ((layer + 1) % 4 === 0 ? 0 : 1)),
  }
}

/** Sliding windows, which no file mentions and llama.cpp does not apply, are left out. */
export const qwen2: Architecture = async (model) => {
  decoderTensors(model, false)
  const { attention_bias: _, ...fields } = await decoderFields(model, 'qwen2', 'Qwen2ForCausalLM')
  return { ...fields, ...withoutWindow(model) }
}

export const qwen3: Architecture = async (model) => {
  decoderTensors(model, false)
  return { ...(await decoderFields(model, 'qwen3', 'Qwen3ForCausalLM')), ...withoutWindow(model) }
}

export const granite: Architecture = async (model) => {
  refuseExperts(model)
  decoderTensors(model, true)
  return { ...(await decoderFields(model, 'granite', 'GraniteForCausalLM')), mlp_bias: false, ...multipliers(model) }
}

/** Every layer attends to everything before. */
export function withoutWindow(model: GgufModel): Config {
  const layer_types = Array.from({ length: model.layers }, () => 'full_attention')
  return { use_sliding_window: false, sliding_window: null, layer_types }
}

/** The four factors of Granite. */
export function multipliers(model: GgufModel): Config {
  const headDim = model.count('embedding_length') / model.count('attention.head_count')
  return {
    attention_multiplier: model.number('attention.scale', headDim ** -0.5),
    embedding_multiplier: model.number('embedding_scale', 1),
    residual_multiplier: model.number('residual_scale', 1),
    logits_scaling: model.number('logit_scale', 1),
  }
}

export async function decoderFields(model: GgufModel, type: string, className: string): Promise<Config> {
  const heads = attentionFields(model)
  const rotated = model.number('rope.dimension_count', heads['head_dim'] as number)
  if (rotated !== heads['head_dim'])
    throw model.wrong('rope.dimension_count', `${String(heads['head_dim'])}, the width of a head`, rotated)
  return {
    ...commonFields(model, type, className),
    ...heads,
    intermediate_size: model.count('feed_forward_length'),
    hidden_act: 'silu',
    attention_bias: model.has('blk.0.attn_q.bias'),
    rope_parameters: await ropeParameters(model),
  }
}

/** `paired`: rows of q and k are ordered for a rope of neighbouring pairs. */
function decoderTensors(model: GgufModel, paired: boolean): void {
  outerTensors(model, 'model.embed_tokens.weight', 'model.norm.weight')
  for (let layer = 0; layer < model.layers; layer++) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.input_layernorm.weight`, `${from}.attn_norm.weight`)
    model.put(`${to}.post_attention_layernorm.weight`, `${from}.ffn_norm.weight`)
    attentionTensors(model, `${to}.self_attn`, from, paired)
    mlpTensors(model, `${to}.mlp`, from)
  }
}

/** Projections of queries, keys, values and output, with norms of queries and keys where the file has them. */
export function attentionTensors(model: GgufModel, to: string, from: string, paired = false): void {
  const layer = Number(from.split('.')[1])
  const heads = { q: model.count('attention.head_count'), k: model.perLayer('attention.head_count_kv')[layer]! }
  for (const name of ['q', 'k'] as const) {
    const rows = model.tensor(`${from}.attn_${name}.weight`).shape[0]!
    if (paired && rows % (2 * heads[name]) !== 0)
      throw model.wrong('attention.head_count', `heads that divide ${rows} rows of ${from}.attn_${name}`, heads[name])
    model.linear(`${to}.${name}_proj`, `${from}.attn_${name}`, paired ? { rows: unpairedRows(rows, heads[name]) } : {})
    model.putIfThere(`${to}.${name}_norm.weight`, `${from}.attn_${name}_norm.weight`)
  }
  model.linear(`${to}.v_proj`, `${from}.attn_v`)
  model.linear(`${to}.o_proj`, `${from}.attn_output`)
}

export function mlpTensors(model: GgufModel, to: string, from: string, suffix = ''): void {
  for (const name of ['gate', 'up', 'down']) model.linear(`${to}.${name}_proj`, `${from}.ffn_${name}${suffix}`)
}
