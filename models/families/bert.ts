/** BERT: an encoder of whole texts (Devlin et al. 2018, arXiv 1810.04805). */
import { attend } from '../composites.ts'
import { choice, count, flag, real, requires, type ConfigOf } from '../config.ts'
import { defineEncoder, type EncoderInput, type EncoderSizes } from '../encoder.ts'
import { activate } from '../layers/activation.ts'
import { firstToken } from '../layers/pooling.ts'
import type { Ops } from '../ops.ts'
import { linearParams, matrix, type LinearSpec, type Of, type Spec } from '../spec.ts'
import { activation } from './fields.ts'
import { layerNormSpec, normOf, type NormSpec } from './norm.ts'

/** The defaults are those of transformers, which configurations may leave out. */
export const bertFields = {
  vocab_size: count(30_522, 'size of the vocabulary'),
  hidden_size: count(768, 'width of the model', 1, 65_536),
  num_hidden_layers: count(12, 'number of layers', 1, 1024),
  num_attention_heads: count(12, 'heads of the attention'),
  intermediate_size: count(3072, 'inner width of the feed-forward layers'),
  hidden_act: { ...activation, default: 'gelu' as const },
  max_position_embeddings: count(512, 'tokens of the longest text'),
  type_vocab_size: count(2, 'kinds of texts that are told apart'),
  layer_norm_eps: real(1e-12, 'added under the root of a norm', 0, 1),
  position_embedding_type: choice('absolute', ['absolute'], 'how positions are told apart'),
  is_decoder: flag(false, 'whether a token attends only to those before it, which is not done'),
  add_pooling_layer: flag(false, 'whether there is a pooler for heads that read whole texts'),
}
export type BertConfig = ConfigOf<typeof bertFields>

type LayerParams = {
  readonly attention: Readonly<Record<'q_proj' | 'k_proj' | 'v_proj' | 'o_proj', LinearSpec>>
  readonly attention_norm: NormSpec
  readonly mlp: { readonly up_proj: LinearSpec; readonly down_proj: LinearSpec }
  readonly output_norm: NormSpec
}

function layerParams({ hidden_size: width, intermediate_size: inner }: BertConfig): LayerParams {
  const square = linearParams(width, width, true)
  return {
    attention: { q_proj: square, k_proj: square, v_proj: square, o_proj: square },
    attention_norm: layerNormSpec(width),
    mlp: { up_proj: linearParams(width, inner, true), down_proj: linearParams(inner, width, true) },
    output_norm: layerNormSpec(width),
  }
}

export type BertParams = {
  readonly embed_tokens: { readonly weight: Spec }
  readonly embed_positions: { readonly weight: Spec }
  readonly embed_types: { readonly weight: Spec }
  readonly embed_norm: NormSpec
  readonly layers: readonly LayerParams[]
  readonly pooler?: LinearSpec
}

export const bertParams = (c: BertConfig): BertParams => ({
  embed_tokens: { weight: matrix([c.vocab_size, c.hidden_size], 0.02) },
  embed_positions: { weight: matrix([c.max_position_embeddings, c.hidden_size], 0.02) },
  embed_types: { weight: matrix([c.type_vocab_size, c.hidden_size], 0.02) },
  embed_norm: layerNormSpec(c.hidden_size),
  layers: Array.from({ length: c.num_hidden_layers }, () => layerParams(c)),
  ...(c.add_pooling_layer ? { pooler: linearParams(c.hidden_size, c.hidden_size, true) } : {}),
})

export function checkBert(c: BertConfig): void {
  requires(!c.is_decoder, 'bert.is_decoder: expected false, since all tokens of a text see each other; got true')
  requires(
    c.hidden_size % c.num_attention_heads === 0,
    `bert.num_attention_heads: ${c.num_attention_heads} heads do not split width ${c.hidden_size}`,
  )
}

/** hidden (B,T,D). */
export function encodeBert<T>(
  op: Ops<T>,
  c: BertConfig,
  p: Of<BertParams, T>,
  { ids, mask, types }: EncoderInput<T>,
): T {
  const positions = op.gather(p.embed_positions.weight, op.int32(op.iota(ids, 1))) //          (T, D)
  const tokens = op.add(op.gather(p.embed_tokens.weight, ids), op.gather(p.embed_types.weight, types))
  const norm = (x: T, own: Of<NormSpec, T>): T => normOf(op, { width: c.hidden_size, eps: c.layer_norm_eps }, x, own)
  let x = op.tap(norm(op.add(tokens, positions), p.embed_norm), 'embeddings') //               (B, T, D)
  const allowed = op.less(op.constant(0.5), op.reshape(mask, [0, 1, 1, -1])) //                (B, 1, 1, T)
  for (const [i, layer] of p.layers.entries()) {
    x = norm(op.add(x, attention(op, c, layer.attention, x, allowed)), layer.attention_norm)
    x = norm(op.add(x, mlp(op, c, layer.mlp, x)), layer.output_norm)
    x = op.layerHook(x, i)
  }
  return x
}

export const bertSizes = (c: BertConfig): EncoderSizes => ({
  vocab: c.vocab_size,
  width: c.hidden_size,
  maxTokens: c.max_position_embeddings,
})

export const bert = defineEncoder({
  name: 'bert',
  about: 'BERT and the sentence encoders made of it (Devlin et al. 2018, arXiv 1810.04805)',
  fields: bertFields,
  check: checkBert,
  sizes: bertSizes,
  params: bertParams,
  encode: (op, c, p, input) => encodeBert(op, c, p, input),
  pooler(op, _, p, hidden) {
    if (!p.pooler) throw new RangeError('bert: expected add_pooling_layer where the pooler is read, got none')
    return pooled(op, p.pooler, hidden)
  },
  headParams: ({ hidden_size: width }, task): HeadParams =>
    task === 'sequence' ? { pooler: linearParams(width, width, true) } : {},
  head: (op, _, { pooler }, __, { hidden }) => (pooler ? pooled(op, pooler, hidden) : hidden),
})

/** Classifiers of whole texts read what the pooler makes of the first token, those of tokens what the encoder gives. */
type HeadParams = { readonly pooler?: LinearSpec }

const pooled = <T>(op: Ops<T>, p: Of<LinearSpec, T>, hidden: T): T =>
  op.tanh(op.linear(firstToken(op, hidden), p.weight, p.bias))

function attention<T>(op: Ops<T>, c: BertConfig, p: Of<LayerParams['attention'], T>, x: T, allowed: T): T {
  const channels = c.hidden_size / c.num_attention_heads
  const parts = [p.q_proj, p.k_proj, p.v_proj].map((part) => ({ ...part, size: c.hidden_size }))
  const [q, k, v] = op
    .linears(x, parts)
    .map((y) => op.transpose(op.reshape(y, [0, 0, c.num_attention_heads, channels]), [0, 2, 1, 3])) as [T, T, T]
  const y = attend(op, op.mul(q, op.constant(1 / Math.sqrt(channels))), k, v, allowed, 4) //   (B, H, T, C)
  const joined = op.reshape(op.transpose(y, [0, 2, 1, 3]), [0, 0, c.hidden_size])
  return op.linear(joined, p.o_proj.weight, p.o_proj.bias)
}

function mlp<T>(op: Ops<T>, c: BertConfig, p: Of<LayerParams['mlp'], T>, x: T): T {
  const inner = activate(op, c.hidden_act, op.linear(x, p.up_proj.weight, p.up_proj.bias))
  return op.linear(inner, p.down_proj.weight, p.down_proj.bias)
}
