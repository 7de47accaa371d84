/** GPT-2 as it is published (openai-community/gpt2 and its larger siblings): the Transformer of `smt`. */
import type { Published, Rule } from './published.ts'

const block = (from: string, to: string): Rule => ({ from: `h.#.${from}`, to: `blocks.#.${to}` })

/** Published matrices are (in, out), as ours. The head is the embedding; attention masks in the file are not weights. */
export const gpt2: Published = {
  name: 'GPT-2',
  prefixes: ['', 'transformer.'],
  rules: [
    { from: 'wte.weight', to: 'embed' },
    { from: 'wpe.weight', to: 'positions', as: 'rows' },
    block('ln_1.weight', 'attentionNorm.gain'),
    block('ln_1.bias', 'attentionNorm.bias'),
    block('attn.c_attn.weight', 'qkv'),
    block('attn.c_attn.bias', 'qkvBias'),
    block('attn.c_proj.weight', 'output'),
    block('attn.c_proj.bias', 'outputBias'),
    block('ln_2.weight', 'feedForwardNorm.gain'),
    block('ln_2.bias', 'feedForwardNorm.bias'),
    block('mlp.c_fc.weight', 'up'),
    block('mlp.c_fc.bias', 'upBias'),
    block('mlp.c_proj.weight', 'down'),
    block('mlp.c_proj.bias', 'downBias'),
    { from: 'ln_f.weight', to: 'norm.gain' },
    { from: 'ln_f.bias', to: 'norm.bias' },
  ],
}
