/** RWKV-4 (Peng et al. 2023, arXiv 2305.13048), with the names of the published weights. */
import { count, optional, real } from '../config.ts'
import { receptanceAttention, receptanceMlp } from '../layers/receptance.ts'
import { module, type Module } from '../module.ts'
import { defineFamily } from './decoder.ts'
import { decoderFields } from './fields.ts'
import { normOf, normSpec } from './norm.ts'

export const rwkv = defineFamily({
  name: 'rwkv',
  about: 'RWKV-4 (Peng et al. 2023, arXiv 2305.13048)',
  fields: {
    vocab_size: decoderFields.vocab_size,
    hidden_size: decoderFields.hidden_size,
    num_hidden_layers: decoderFields.num_hidden_layers,
    tie_word_embeddings: decoderFields.tie_word_embeddings,
    attention_hidden_size: optional(count(128, 'channels of the attention; the width without')),
    intermediate_size: optional(count(512, 'inner width of the feed-forward layers; four widths without')),
    layer_norm_epsilon: real(1e-5, 'added under the root of a norm', 0, 1),
    rescale_every: count(6, 'the residual stream is halved after each so many layers; 0 for never', 0),
  },
  plan(c) {
    const [width, eps] = [c.hidden_size, c.layer_norm_epsilon]
    const attention = receptanceAttention(width, c.attention_hidden_size ?? width)
    const mlp = receptanceMlp(width, c.intermediate_size ?? 4 * width)
    const halved = (i: number): number => (c.rescale_every > 0 ? Math.floor(i / c.rescale_every) : 0)
    const layers = Array.from({ length: c.num_hidden_layers }, (_, i) =>
      block({ width, eps }, attention, mlp, 2 ** -halved(i), halved(i + 1) > halved(i)),
    )
    // The last norm has PyTorch's default, whatever layer_norm_epsilon says, in the published code.
    const last = { eps: 1e-5, layerNorm: true, embedNorm: eps }
    return { vocab: c.vocab_size, width, layers, tied: c.tie_word_embeddings, ...last }
  },
})

/** What the layer adds is scaled by `share`; where it `halves`, all of the stream is halved after it. */
function block(
  c: { readonly width: number; readonly eps: number },
  attention: Module,
  mlp: Module,
  share: number,
  halves: boolean,
): Module {
  const norm = { ...c, layerNorm: true }
  const params = {
    ln1: normSpec(norm),
    attention: attention.params as unknown,
    ln2: normSpec(norm),
    feed_forward: mlp.params as unknown,
  }
  const state = { attention: attention.state as unknown, feed_forward: mlp.state as unknown }
  return module(params, state, (op, p, x, past, pass) => {
    const scaled = (y: typeof x, by: number) => (by === 1 ? y : op.mul(y, op.constant(by)))
    const mixed = attention.run(op, p.attention, normOf(op, norm, x, p.ln1), past.attention, pass)
    const between = op.add(x, scaled(mixed.y, share))
    const out = mlp.run(op, p.feed_forward, normOf(op, norm, between, p.ln2), past.feed_forward, pass)
    const y = scaled(op.add(between, scaled(out.y, share)), halves ? 0.5 : 1)
    return { y, state: { attention: mixed.state, feed_forward: out.state } }
  })
}
