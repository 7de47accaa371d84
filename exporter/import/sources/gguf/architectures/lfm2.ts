/** LFM2: short convolutions and attention; the last norm is called token_embd_norm in the file. */
import { attentionFields, commonFields, type Architecture } from '../fields.ts'
import { ropeParameters } from '../rope.ts'

export const lfm2: Architecture = async (model) => {
  const kinds = model.perLayer('attention.head_count_kv').map((heads) => (heads > 0 ? 'full_attention' : 'conv'))
  model.put('model.embed_tokens.weight', 'token_embd.weight')
  const norm = model.has('token_embd_norm.weight') ? 'token_embd_norm.weight' : 'output_norm.weight'
  model.put('model.embedding_norm.weight', norm)
  model.putIfThere('lm_head.weight', 'output.weight')
  for (const [layer, kind] of kinds.entries()) {
    const [to, from] = [`model.layers.${layer}`, `blk.${layer}`]
    model.put(`${to}.operator_norm.weight`, `${from}.attn_norm.weight`)
    model.put(`${to}.ffn_norm.weight`, `${from}.ffn_norm.weight`)
    for (const [name, stored] of Object.entries({ w1: 'gate', w3: 'up', w2: 'down' }))
      model.put(`${to}.feed_forward.${name}.weight`, `${from}.ffn_${stored}.weight`)
    if (kind === 'conv') {
      const [channels = 0, kernel = 0] = model.tensor(`${from}.shortconv.conv.weight`).shape
      model.put(`${to}.conv.conv.weight`, `${from}.shortconv.conv.weight`, { shape: [channels, 1, kernel] })
      model.putIfThere(`${to}.conv.conv.bias`, `${from}.shortconv.conv.bias`)
      model.linear(`${to}.conv.in_proj`, `${from}.shortconv.in_proj`)
      model.linear(`${to}.conv.out_proj`, `${from}.shortconv.out_proj`)
    } else {
      for (const name of ['q', 'k', 'v']) model.linear(`${to}.self_attn.${name}_proj`, `${from}.attn_${name}`)
      model.linear(`${to}.self_attn.out_proj`, `${from}.attn_output`)
      for (const name of ['q', 'k'])
        model.put(`${to}.self_attn.${name}_layernorm.weight`, `${from}.attn_${name}_norm.weight`)
    }
  }
  const { rms_norm_eps: eps, head_dim: _, ...heads } = attentionFields(model)
  return {
    ...commonFields(model, 'lfm2', 'Lfm2ForCausalLM'),
    ...heads,
    norm_eps: eps,
    // The width in the file is the computed one
    intermediate_size: model.count('feed_forward_length'),
    block_auto_adjust_ff_dim: false,
    conv_L_cache: model.count('shortconv.l_cache'),
    conv_bias: model.has(`blk.${kinds.indexOf('conv')}.shortconv.in_proj.bias`),
    layer_types: kinds,
    rope_parameters: await ropeParameters(model),
  }
}
