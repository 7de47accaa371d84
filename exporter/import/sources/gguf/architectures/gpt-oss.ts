/** gpt-oss: experts are published as (in, out) with gate and up taking turns; the file has them apart, as (out, in). */
import { attentionFields, commonFields, outerTensors, type Architecture } from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { transposed } from '../orders.ts'
import { ropeParameters } from '../rope.ts'

/** What llama.cpp computes with, whatever the file says. */
const ACTIVATION = { swiglu_alpha: 1.702, swiglu_limit: 7 }

export const gptOss: Architecture = async (model) => {
  outerTensors(model, 'model.embed_tokens.weight', 'model.norm.weight')
  for (let layer = 0; layer < model.layers; layer++) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.input_layernorm.weight`, `${from}.attn_norm.weight`)
    model.put(`${to}.post_attention_layernorm.weight`, `${from}.post_attention_norm.weight`)
    for (const name of ['q', 'k', 'v']) model.linear(`${to}.self_attn.${name}_proj`, `${from}.attn_${name}`)
    model.linear(`${to}.self_attn.o_proj`, `${from}.attn_output`)
    model.put(`${to}.self_attn.sinks`, `${from}.attn_sinks.weight`)
    model.linear(`${to}.mlp.router`, `${from}.ffn_gate_inp`)
    expertTensors(model, `${to}.mlp.experts`, from)
  }
  const rope = await ropeParameters(model)
  return {
    ...commonFields(model, 'gpt_oss', 'GptOssForCausalLM'),
    ...attentionFields(model),
    ...ACTIVATION,
    intermediate_size: model.count('expert_feed_forward_length'),
    hidden_act: 'silu',
    attention_bias: true,
    num_local_experts: model.count('expert_count'),
    num_experts_per_tok: model.count('expert_used_count'),
    sliding_window: model.count('attention.sliding_window'),
    layer_types: Array.from({ length: model.layers }, (_, layer) =>
      layer % 2 === 0 ? 'sliding_attention' : 'full_attention',
    ),
    rope_parameters: rope['rope_type'] === 'yarn' ? { beta_fast: 32, beta_slow: 1, truncate: false, ...rope } : rope,
  }
}

function expertTensors(model: GgufModel, to: string, from: string): void {
  const [experts = 0, inner = 0, hidden = 0] = model.tensor(`${from}.ffn_gate_exps.weight`).shape
  const weights = ['gate', 'up'].map((name) => `${from}.ffn_${name}_exps.weight`)
  const biases = ['gate', 'up'].map((name) => `${from}.ffn_${name}_exps.bias`)
  model.compute(`${to}.gate_up_proj`, weights, [experts, hidden, 2 * inner], (gate, up) =>
    transposed(takingTurns(gate, up, hidden), experts, 2 * inner, hidden),
  )
  model.compute(`${to}.gate_up_proj_bias`, biases, [experts, 2 * inner], (gate, up) => takingTurns(gate, up, 1))
  model.compute(`${to}.down_proj`, [`${from}.ffn_down_exps.weight`], [experts, inner, hidden], (down) =>
    transposed(down, experts, hidden, inner),
  )
  model.put(`${to}.down_proj_bias`, `${from}.ffn_down_exps.bias`)
}

/** A row of the one, a row of the other, and so on. */
function takingTurns(one: Float32Array, other: Float32Array, width: number): Float32Array {
  const both = new Float32Array(one.length + other.length)
  for (let row = 0; row * width < one.length; row++) {
    both.set(one.subarray(row * width, (row + 1) * width), 2 * row * width)
    both.set(other.subarray(row * width, (row + 1) * width), (2 * row + 1) * width)
  }
  return both
}
