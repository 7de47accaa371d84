/** GPT-2: published matrices are (in, out), the file's (out, in). */
import { specialTokens, type Architecture } from '../fields.ts'
import type { GgufModel } from '../model.ts'
import { transposed } from '../orders.ts'

export const gpt2: Architecture = (model) => {
  model.put('transformer.wte.weight', 'token_embd.weight')
  model.put('transformer.wpe.weight', 'position_embd.weight')
  model.linear('transformer.ln_f', 'output_norm')
  model.putIfThere('lm_head.weight', 'output.weight')
  for (let layer = 0; layer < model.layers; layer++) {
    const [to, from] = [`transformer.h.${layer}`, `blk.${layer}`]
    model.linear(`${to}.ln_1`, `${from}.attn_norm`)
    model.linear(`${to}.ln_2`, `${from}.ffn_norm`)
    inOut(model, `${to}.attn.c_attn`, `${from}.attn_qkv`)
    inOut(model, `${to}.attn.c_proj`, `${from}.attn_output`)
    inOut(model, `${to}.mlp.c_fc`, `${from}.ffn_up`)
    inOut(model, `${to}.mlp.c_proj`, `${from}.ffn_down`)
  }
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    vocab_size: model.tensor('token_embd.weight').shape[0]!,
    n_positions: model.count('context_length'),
    n_embd: model.count('embedding_length'),
    n_layer: model.layers,
    n_head: model.count('attention.head_count'),
    n_inner: model.count('feed_forward_length'),
    layer_norm_epsilon: model.number('attention.layer_norm_epsilon'),
    activation_function: 'gelu_new',
    tie_word_embeddings: !model.has('output.weight'),
    ...specialTokens(model),
  }
}

function inOut(model: GgufModel, to: string, from: string): void {
  const [rows = 0, columns = 0] = model.tensor(`${from}.weight`).shape
  model.compute(`${to}.weight`, [`${from}.weight`], [columns, rows], (weight) => transposed(weight, 1, rows, columns))
  model.putIfThere(`${to}.bias`, `${from}.bias`)
}
