/** Gemma 3: norms have 1 added in the file; the pattern of layers and the local rope are llama.cpp's own. */
import { attentionFields, commonFields, type Architecture } from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { ropeParameters } from '../rope.ts'
import { mlpTensors } from './llama.ts'

const minusOne = { each: (weight: number) => weight - 1 }
/** One layer in so many has full attention. */
const PATTERN = 6
/** The 27B model scales queries by the width of all heads together. */
const LAYERS_OF_27B = 62

export const gemma3: Architecture = async (model) => {
  gemmaTensors(model)
  const heads = attentionFields(model)
  const pattern = model.count('attention.sliding_window_pattern', PATTERN)
  const wide = model.layers === LAYERS_OF_27B
  return {
    ...commonFields(model, 'gemma3_text', 'Gemma3ForCausalLM'),
    ...heads,
    intermediate_size: model.count('feed_forward_length'),
    hidden_activation: 'gelu_pytorch_tanh',
    attention_bias: false,
    query_pre_attn_scalar: wide
      ? model.count('embedding_length') / model.count('attention.head_count')
      : heads['head_dim'],
    sliding_window: model.count('attention.sliding_window'),
    layer_types: Array.from({ length: model.layers }, (_, layer) =>
      (layer + 1) % pattern === 0 ? 'full_attention' : 'sliding_attention',
    ),
    rope_parameters: {
      full_attention: await ropeParameters(model),
      sliding_attention: { rope_type: 'default', rope_theta: model.number('rope.freq_base_swa', 10_000) },
    },
    final_logit_softcapping: model.number('final_logit_softcapping', 0) || null,
    attn_logit_softcapping: null,
  }
}

function gemmaTensors(model: GgufModel): void {
  model.put('model.embed_tokens.weight', 'token_embd.weight')
  model.put('model.norm.weight', 'output_norm.weight', minusOne)
  model.putIfThere('lm_head.weight', 'output.weight')
  const norms = {
    input_layernorm: 'attn_norm',
    post_attention_layernorm: 'post_attention_norm',
    pre_feedforward_layernorm: 'ffn_norm',
    post_feedforward_layernorm: 'post_ffw_norm',
    'self_attn.q_norm': 'attn_q_norm',
    'self_attn.k_norm': 'attn_k_norm',
  }
  for (let layer = 0; layer < model.layers; layer++) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    for (const [name, stored] of Object.entries(norms))
      model.put(`${to}.${name}.weight`, `${from}.${stored}.weight`, minusOne)
    for (const name of ['q', 'k', 'v']) model.linear(`${to}.self_attn.${name}_proj`, `${from}.attn_${name}`)
    model.linear(`${to}.self_attn.o_proj`, `${from}.attn_output`)
    mlpTensors(model, `${to}.mlp`, from)
  }
}
