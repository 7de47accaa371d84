/** GPT-2 (Radford et al. 2019): learned positions, LayerNorm, biases everywhere. */
import { choice, count, flag, optional, real } from '../config.ts'
import { ACTIVATIONS } from '../layers/activation.ts'
import { plainMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { preNormBlock } from './blocks.ts'
import { defineFamily } from './decoder.ts'
import { decoderFields } from './fields.ts'

export const gpt2 = defineFamily({
  name: 'gpt2',
  about: 'GPT-2 (Radford et al. 2019)',
  fields: {
    vocab_size: decoderFields.vocab_size,
    n_embd: decoderFields.hidden_size,
    n_layer: decoderFields.num_hidden_layers,
    n_head: count(4, 'heads'),
    n_inner: optional(count(512, 'inner width of the feed-forward layers; four widths without')),
    n_positions: count(1024, 'positions that the model has learned', 1, 1 << 20),
    activation_function: choice('gelu_new', ACTIVATIONS, 'activation of the feed-forward layers'),
    layer_norm_epsilon: real(1e-5, 'added under the root of a norm', 0, 1),
    scale_attn_weights: flag(true, 'scores are divided by the root of the channels of a head'),
    scale_attn_by_inverse_layer_idx: flag(false, 'scores are divided by the number of the layer'),
    tie_word_embeddings: { ...decoderFields.tie_word_embeddings, default: true },
  },
  plan(c) {
    const [width, eps, channels] = [c.n_embd, c.layer_norm_epsilon, c.n_embd / c.n_head]
    const hidden = c.n_inner ?? 4 * width
    const mlp = plainMlp({ width, hidden, activation: c.activation_function, bias: true })
    const layers = Array.from({ length: c.n_layer }, (_, i) => {
      const scale = (c.scale_attn_weights ? channels ** -0.5 : 1) / (c.scale_attn_by_inverse_layer_idx ? i + 1 : 1)
      const heads = { width, heads: c.n_head, kvHeads: c.n_head, channels, rope: null, scale, eps }
      const attention = groupedAttention({ ...heads, bias: true, outBias: true })
      return preNormBlock({ width, eps, layerNorm: true }, attention, mlp)
    })
    return {
      vocab: c.vocab_size,
      width,
      layers,
      eps,
      layerNorm: true,
      tied: c.tie_word_embeddings,
      positions: c.n_positions,
    }
  },
})
