/** Gemma 4: tensors are as published; what differs between sliding and full layers is in the metadata twice. */
import { commonFields, type Architecture, type Config } from '../fields.ts'
import { readTensor } from '../mapped-tensors.ts'
import type { GgufModel } from '../model.ts'
import { expertTensors } from './experts.ts'
import { mlpTensors } from './llama.ts'

/** llama.cpp divides the frequencies of channels that do not turn by this. */
const STILL = 1e30

export const gemma4: Architecture = async (model) => {
  outerTensors(model)
  const flags = model.flagsPerLayer('attention.sliding_window_pattern')
  if (!flags || flags.length < model.layers)
    throw model.wrong('attention.sliding_window_pattern', `${model.layers} flags`, flags)
  const shared = model.number('attention.shared_kv_layers', 0)
  const kvHeads = model.perLayer('attention.head_count_kv')
  const widths = model.perLayer('feed_forward_length')
  const full = flags.indexOf(false)
  for (let layer = 0; layer < model.layers; layer++) layerTensors(model, layer)
  return {
    ...commonFields(model, 'gemma4_text', 'Gemma4ForCausalLM'),
    num_attention_heads: model.count('attention.head_count'),
    num_key_value_heads: kvHeads[flags.indexOf(true)] ?? kvHeads[0],
    num_global_key_value_heads: kvHeads[full],
    head_dim: model.count('attention.key_length_swa'),
    global_head_dim: model.count('attention.key_length'),
    attention_k_eq_v: full >= 0 && !model.has(`blk.${full}.attn_v.weight`),
    attention_bias: false,
    rms_norm_eps: model.number('attention.layer_norm_rms_epsilon'),
    intermediate_size: widths[0],
    use_double_wide_mlp: shared > 0 && widths.at(-1) === 2 * widths[0]!,
    num_kv_shared_layers: shared,
    hidden_activation: 'gelu_pytorch_tanh',
    sliding_window: model.count('attention.sliding_window'),
    layer_types: flags.map((slides) => (slides ? 'sliding_attention' : 'full_attention')),
    rope_parameters: {
      full_attention: await fullRope(model),
      sliding_attention: { rope_type: 'default', rope_theta: model.number('rope.freq_base_swa', 10_000) },
    },
    final_logit_softcapping: model.number('final_logit_softcapping', 0) || null,
    hidden_size_per_layer_input: model.number('embedding_length_per_layer_input', 0),
    ...(model.has('per_layer_token_embd.weight')
      ? { vocab_size_per_layer_input: model.tensor('per_layer_token_embd.weight').shape[0]! }
      : {}),
    ...expertFields(model),
  }
}

function expertFields(model: GgufModel): Config {
  if (!model.has('blk.0.ffn_gate_inp.weight')) return {}
  return {
    enable_moe_block: true,
    num_experts: model.count('expert_count'),
    top_k_experts: model.count('expert_used_count'),
    moe_intermediate_size: Math.max(...model.perLayer('expert_feed_forward_length')),
  }
}

/** Pairs of channels whose frequency is divided by 1 turn, the others stand still. */
async function fullRope(model: GgufModel): Promise<Config> {
  const divisors = await readTensor(model.tensor('rope_freqs.weight'))
  const turning = divisors.findIndex((divisor) => divisor !== 1)
  const count = turning < 0 ? divisors.length : turning
  const odd = divisors.subarray(count).find((divisor) => divisor !== Math.fround(STILL))
  if (odd !== undefined) throw model.wrong('rope_freqs.weight', `1 for pairs that turn, then ${STILL}`, odd)
  return {
    rope_type: 'proportional',
    rope_theta: model.number('rope.freq_base'),
    partial_rotary_factor: count / divisors.length,
  }
}

function outerTensors(model: GgufModel): void {
  model.put('model.embed_tokens.weight', 'token_embd.weight')
  model.put('model.norm.weight', 'output_norm.weight')
  model.putIfThere('lm_head.weight', 'output.weight')
  model.putIfThere('model.embed_tokens_per_layer.weight', 'per_layer_token_embd.weight')
  model.putIfThere('model.per_layer_model_projection.weight', 'per_layer_model_proj.weight')
  model.putIfThere('model.per_layer_projection_norm.weight', 'per_layer_proj_norm.weight')
}

/** The published tensors of a layer and what the file calls them; only some layers have those of the second list. */
const ALWAYS: Readonly<Record<string, string>> = {
  'input_layernorm.weight': 'attn_norm.weight',
  'self_attn.q_proj.weight': 'attn_q.weight',
  'self_attn.o_proj.weight': 'attn_output.weight',
  'self_attn.q_norm.weight': 'attn_q_norm.weight',
  'post_attention_layernorm.weight': 'post_attention_norm.weight',
  'pre_feedforward_layernorm.weight': 'ffn_norm.weight',
  'post_feedforward_layernorm.weight': 'post_ffw_norm.weight',
  layer_scalar: 'layer_output_scale.weight',
}
const SOMETIMES: Readonly<Record<string, string>> = {
  'self_attn.k_proj.weight': 'attn_k.weight',
  'self_attn.v_proj.weight': 'attn_v.weight',
  'self_attn.k_norm.weight': 'attn_k_norm.weight',
  'per_layer_input_gate.weight': 'inp_gate.weight',
  'per_layer_projection.weight': 'proj.weight',
  'post_per_layer_input_norm.weight': 'post_norm.weight',
  'router.proj.weight': 'ffn_gate_inp.weight',
  'router.scale': 'ffn_gate_inp.scale',
  'router.per_expert_scale': 'ffn_down_exps.scale',
  'pre_feedforward_layernorm_2.weight': 'pre_ffw_norm_2.weight',
  'post_feedforward_layernorm_1.weight': 'post_ffw_norm_1.weight',
  'post_feedforward_layernorm_2.weight': 'post_ffw_norm_2.weight',
}

function layerTensors(model: GgufModel, layer: number): void {
  const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
  for (const [name, stored] of Object.entries(ALWAYS)) model.put(`${to}.${name}`, `${from}.${stored}`)
  for (const [name, stored] of Object.entries(SOMETIMES)) model.putIfThere(`${to}.${name}`, `${from}.${stored}`)
  mlpTensors(model, `${to}.mlp`, from)
  if (!model.has(`${from}.ffn_down_exps.weight`)) return
  if (model.has(`${from}.ffn_gate_up_exps.weight`)) {
    model.put(`${to}.experts.gate_up_proj`, `${from}.ffn_gate_up_exps.weight`)
    model.put(`${to}.experts.down_proj`, `${from}.ffn_down_exps.weight`)
  } else expertTensors(model, `${to}.experts`, from, { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' })
}
