/** Gemma 3 (Gemma Team 2025, arXiv 2503.19786): sliding and full layers with positions of their own, norms on all sides. */
import { choice, count, flag, optional, real, type Field, type Options } from '../config.ts'
import { ACTIVATIONS } from '../layers/activation.ts'
import { gatedMlp } from '../layers/gated-mlp.ts'
import { groupedAttention } from '../layers/grouped-attention.ts'
import { ropeOf } from '../layers/rotary.ts'
import { sandwichBlock } from './blocks.ts'
import { defineFamily } from './decoder.ts'
import { attentionFields, decoderFields, headsOf, rmsNormField, windowFields } from './fields.ts'

const softcap = (help: string): Field<number | null> => optional(real(30, help, 1e-3, 1e6))

export const gemma3 = defineFamily({
  name: 'gemma3',
  about: 'Gemma 3, text: sliding windows in five layers of six, norms before and after',
  fields: {
    ...decoderFields,
    ...rmsNormField,
    ...attentionFields,
    ...windowFields,
    tie_word_embeddings: { ...decoderFields.tie_word_embeddings, default: true },
    intermediate_size: count(352, 'inner width of the feed-forward layers'),
    hidden_activation: choice('gelu_pytorch_tanh', ACTIVATIONS, 'activation of the feed-forward layers'),
    attention_bias: flag(false, 'biases of all projections of the attention'),
    query_pre_attn_scalar: real(256, 'scores are divided by its root', 1e-6, 1e9),
    final_logit_softcapping: softcap('bound of the logits'),
  },
  plan(c) {
    const heads = headsOf(c)
    // Without a list each sixth layer is full.
    const isFull = (i: number): boolean =>
      c.layer_types.length > 0 ? c.layer_types[i] === 'full_attention' : (i + 1) % 6 === 0
    const rope = (kind: string) =>
      ropeOf('gemma3', (c.rope_parameters[kind] ?? {}) as Options, heads.channels, c.max_position_embeddings)
    const mlp = gatedMlp({ width: c.hidden_size, hidden: c.intermediate_size, activation: c.hidden_activation })
    const layers = Array.from({ length: c.num_hidden_layers }, (_, i) => {
      const attention = groupedAttention({
        ...heads,
        rope: rope(isFull(i) ? 'full_attention' : 'sliding_attention'),
        window: isFull(i) ? null : c.sliding_window,
        bias: c.attention_bias,
        outBias: c.attention_bias,
        scale: c.query_pre_attn_scalar ** -0.5,
        eps: c.rms_norm_eps,
        qkNorm: 'head',
        normOffset: 1,
      })
      return sandwichBlock({ width: c.hidden_size, eps: c.rms_norm_eps, normOffset: 1 }, attention, mlp)
    })
    return {
      vocab: c.vocab_size,
      width: c.hidden_size,
      layers,
      eps: c.rms_norm_eps,
      normOffset: 1,
      tied: c.tie_word_embeddings,
      embedScale: Math.sqrt(c.hidden_size),
      softcap: c.final_logit_softcapping,
    }
  },
})
