/** ModernBERT: an encoder of whole texts with rotations and windows (Warner et al. 2024, arXiv 2412.13663). */
import { attend } from '../composites.ts'
import { choice, count, flag, optional, real, requires, type ConfigOf, type Options } from '../config.ts'
import { defineEncoder } from '../encoder.ts'
import { activate } from '../layers/activation.ts'
import { sentenceVector } from '../layers/pooling.ts'
import type { Ops } from '../ops.ts'
import { linearParams, matrix, normParams, type LinearSpec, type Of, type Spec } from '../spec.ts'
import { activation, group, texts } from './fields.ts'
import { layerNormSpec, type NormSpec } from './norm.ts'

const gelu = { ...activation, default: 'gelu' as const }
const theta = (value: number, help: string) => real(value, help, 1, 1e9)

/** The defaults are those of transformers, which configurations may leave out. */
const fields = {
  vocab_size: count(50_368, 'size of the vocabulary'),
  hidden_size: count(768, 'width of the model', 1, 65_536),
  intermediate_size: count(1152, 'inner width of the feed-forward layers'),
  num_hidden_layers: count(22, 'number of layers', 1, 1024),
  num_attention_heads: count(12, 'heads of the attention'),
  hidden_activation: gelu,
  max_position_embeddings: count(8192, 'tokens of the longest text'),
  norm_eps: real(1e-5, 'added under the root of a norm', 0, 1),
  norm_bias: flag(false, 'whether norms have a bias'),
  attention_bias: flag(false, 'whether the projections of the attention have a bias'),
  mlp_bias: flag(false, 'whether the feed-forward layers have a bias'),
  local_attention: count(128, 'tokens around a token, half on each side, that layers with a window see', 2),
  global_attn_every_n_layers: count(3, 'each so many layers, beginning with the first, one sees all tokens'),
  layer_types: texts('kind of each layer, in the place of the former'),
  global_rope_theta: theta(160_000, 'base of the rotation in layers that see all tokens'),
  local_rope_theta: optional(theta(10_000, 'base of the rotation in layers with a window')),
  rope_parameters: group('the two bases, as transformers 5 writes them'),
  classifier_pooling: choice('cls', ['cls', 'mean'], 'what a classifier of whole texts reads'),
  classifier_bias: flag(false, 'whether the dense layer of the head has a bias'),
  classifier_activation: gelu,
}
type Config = ConfigOf<typeof fields>

type LayerParams = {
  readonly attn_norm?: NormSpec
  readonly attn: { readonly Wqkv: LinearSpec; readonly Wo: LinearSpec }
  readonly mlp_norm: NormSpec
  readonly mlp: { readonly Wi: LinearSpec; readonly Wo: LinearSpec }
}
type ModernBertParams = {
  readonly embed_tokens: { readonly weight: Spec }
  readonly embed_norm: NormSpec
  readonly layers: readonly LayerParams[]
  readonly final_norm: NormSpec
}
type HeadParams = { readonly head: { readonly dense: LinearSpec; readonly norm: NormSpec } }

const normSpec = ({ hidden_size: width, norm_bias: bias }: Config): NormSpec =>
  bias ? layerNormSpec(width) : normParams(width)

/** The first layer follows the norm of the embeddings and has none before its attention. */
function layerParams(c: Config, layer: number): LayerParams {
  const { hidden_size: width, intermediate_size: inner } = c
  return {
    ...(layer === 0 ? {} : { attn_norm: normSpec(c) }),
    attn: {
      Wqkv: linearParams(width, 3 * width, c.attention_bias),
      Wo: linearParams(width, width, c.attention_bias),
    },
    mlp_norm: normSpec(c),
    mlp: { Wi: linearParams(width, 2 * inner, c.mlp_bias), Wo: linearParams(inner, width, c.mlp_bias) },
  }
}

export const modernbert = defineEncoder({
  name: 'modernbert',
  about: 'ModernBERT: an encoder with rotations and windows (Warner et al. 2024, arXiv 2412.13663)',
  fields,
  check(c) {
    requires(
      c.hidden_size % (2 * c.num_attention_heads) === 0,
      `modernbert.num_attention_heads: ${c.num_attention_heads} heads do not split width ${c.hidden_size} into even channels`,
    )
    for (const layer of Array.from({ length: c.num_hidden_layers }).keys()) baseOf(c, seesAll(c, layer))
  },
  sizes: (c) => ({ vocab: c.vocab_size, width: c.hidden_size, maxTokens: c.max_position_embeddings }),
  params: (c): ModernBertParams => ({
    embed_tokens: { weight: matrix([c.vocab_size, c.hidden_size], 0.02) },
    embed_norm: normSpec(c),
    layers: Array.from({ length: c.num_hidden_layers }, (_, layer) => layerParams(c, layer)),
    final_norm: normSpec(c),
  }),
  encode(op, c, p, { ids, mask }) {
    const positions = op.reshape(op.iota(ids, 1), [-1, 1]) //                                  (T, 1)
    const all = op.less(op.constant(0.5), op.reshape(mask, [0, 1, 1, -1])) //                  (B, 1, 1, T)
    const near = op.and(all, within(op, positions, Math.floor(c.local_attention / 2))) //      (B, 1, T, T)
    let x = norm(op, c, p.embed_norm, op.gather(p.embed_tokens.weight, ids)) //                (B, T, D)
    for (const [i, layer] of p.layers.entries()) {
      const whole = seesAll(c, i)
      const read = layer.attn_norm ? norm(op, c, layer.attn_norm, x) : x
      const seen = { allowed: whole ? all : near, positions, rope: baseOf(c, whole) }
      x = op.add(x, attention(op, c, layer.attn, read, seen))
      x = op.layerHook(op.add(x, mlp(op, c, layer.mlp, norm(op, c, layer.mlp_norm, x))), i)
    }
    return norm(op, c, p.final_norm, x)
  },
  headParams: (c): HeadParams => ({
    head: { dense: linearParams(c.hidden_size, c.hidden_size, c.classifier_bias), norm: normSpec(c) },
  }),
  head(op, c, { head }, task, { hidden, mask }) {
    const vector = { pooling: c.classifier_pooling, normalize: false }
    const x = task === 'sequence' ? sentenceVector(op, vector, hidden, mask) : hidden
    const dense = op.linear(x, head.dense.weight, head.dense.bias)
    return norm(op, c, head.norm, activate(op, c.classifier_activation, dense))
  },
})

/** LayerNorm, also without a bias. */
const norm = <T>(op: Ops<T>, c: Config, { weight, bias }: Of<NormSpec, T>, x: T): T =>
  op.layerNorm(x, weight, bias ?? op.sub(weight, weight), c.norm_eps)

/** Pairs of positions that are at most `distance` apart: (T, T). */
function within<T>(op: Ops<T>, positions: T, distance: number): T {
  const apart = op.sub(positions, op.reshape(positions, [1, -1]))
  return op.less(op.maximum(apart, op.neg(apart)), op.constant(distance + 0.5))
}

function seesAll(c: Config, layer: number): boolean {
  if (c.layer_types.length === 0) return layer % c.global_attn_every_n_layers === 0
  const kind = c.layer_types[layer]
  requires(
    kind === 'full_attention' || kind === 'sliding_attention',
    `modernbert.layer_types: expected full_attention or sliding_attention for layer ${layer}, got ${String(kind)}`,
  )
  return kind === 'full_attention'
}

function baseOf(c: Config, whole: boolean): number {
  const named = (c.rope_parameters as Readonly<Record<string, Options | undefined>>)[
    whole ? 'full_attention' : 'sliding_attention'
  ]
  const kind = named?.['rope_type'] ?? 'default'
  requires(kind === 'default', `modernbert.rope_parameters: rope_type: expected default, got ${JSON.stringify(kind)}`)
  const base = named?.['rope_theta'] ?? (whole ? c.global_rope_theta : (c.local_rope_theta ?? c.global_rope_theta))
  requires(
    typeof base === 'number' && base > 0,
    `modernbert.rope_parameters: rope_theta: expected a number above 0, got ${JSON.stringify(base)}`,
  )
  return base as number
}

function attention<T>(
  op: Ops<T>,
  c: Config,
  p: Of<LayerParams['attn'], T>,
  x: T,
  { allowed, positions, rope }: { allowed: T; positions: T; rope: number },
): T {
  const channels = c.hidden_size / c.num_attention_heads
  const sizes = [c.hidden_size, c.hidden_size, c.hidden_size]
  const [q, k, v] = op
    .split(op.linear(x, p.Wqkv.weight, p.Wqkv.bias), sizes, -1)
    .map((y) => op.transpose(op.reshape(y, [0, 0, c.num_attention_heads, channels]), [0, 2, 1, 3])) as [T, T, T]
  const turn = (y: T, scale: number): T => op.rotate(y, positions, { rope, channels, scale })
  const y = attend(op, turn(q, 1 / Math.sqrt(channels)), turn(k, 1), v, allowed, 4) //       (B, H, T, C)
  const joined = op.reshape(op.transpose(y, [0, 2, 1, 3]), [0, 0, c.hidden_size])
  return op.linear(joined, p.Wo.weight, p.Wo.bias)
}

function mlp<T>(op: Ops<T>, c: Config, p: Of<LayerParams['mlp'], T>, x: T): T {
  const inner = op.linear(x, p.Wi.weight, p.Wi.bias)
  const [value, gate] = op.split(inner, [c.intermediate_size, c.intermediate_size], -1) as [T, T]
  return op.linear(op.mul(activate(op, c.hidden_activation, value), gate), p.Wo.weight, p.Wo.bias)
}
