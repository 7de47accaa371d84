/** Qwen3 with experts in all layers but those that the file has a dense network for. */
import { outerTensors, type Architecture } from '../fields.ts'
import { expertTensors } from './experts.ts'
import { attentionTensors, decoderFields, mlpTensors } from './llama.ts'

export const qwen3Moe: Architecture = async (model) => {
  const dense: number[] = []
  outerTensors(model, 'model.embed_tokens.weight', 'model.norm.weight')
  for (let layer = 0; layer < model.layers; layer++) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.input_layernorm.weight`, `${from}.attn_norm.weight`)
    model.put(`${to}.post_attention_layernorm.weight`, `${from}.ffn_norm.weight`)
    attentionTensors(model, `${to}.self_attn`, from)
    if (model.has(`${from}.ffn_gate.weight`)) {
      dense.push(layer)
      mlpTensors(model, `${to}.mlp`, from)
    } else {
      model.put(`${to}.mlp.gate.weight`, `${from}.ffn_gate_inp.weight`)
      expertTensors(model, `${to}.mlp.experts`, from, { gate: 'gate_proj', up: 'up_proj', down: 'down_proj' })
    }
  }
  return {
    ...(await decoderFields(model, 'qwen3_moe', 'Qwen3MoeForCausalLM')),
    use_sliding_window: false,
    sliding_window: null,
    moe_intermediate_size: model.count('expert_feed_forward_length'),
    num_experts: model.count('expert_count'),
    num_experts_per_tok: model.count('expert_used_count'),
    norm_topk_prob: model.boolean('expert_weights_norm', true),
    decoder_sparse_step: 1,
    mlp_only_layers: dense,
  }
}
