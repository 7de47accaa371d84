/**
 * DeBERTa-v2 and v3: an encoder of whole texts whose attention reads contents and distances apart (He et al. 2020, arXiv
 * 2006.03654; v3: arXiv 2111.09543).
 */
import { count, flag, optional, real, requires, text, type ConfigOf } from '../config.ts'
import { defineEncoder } from '../encoder.ts'
import { activate } from '../layers/activation.ts'
import { firstToken } from '../layers/pooling.ts'
import type { Ops } from '../ops.ts'
import { linearParams, matrix, type LinearSpec, type Of, type Spec } from '../spec.ts'
import { distanceRows, pickByDistance } from './deberta-distances.ts'
import { activation, texts } from './fields.ts'
import { layerNormSpec, normOf, type NormSpec } from './norm.ts'

const gelu = { ...activation, default: 'gelu' as const }

/** The defaults are those of transformers, which configurations may leave out. */
const fields = {
  vocab_size: count(128_100, 'size of the vocabulary'),
  hidden_size: count(1536, 'width of the model', 1, 65_536),
  num_hidden_layers: count(24, 'number of layers', 1, 1024),
  num_attention_heads: count(24, 'heads of the attention'),
  intermediate_size: count(6144, 'inner width of the feed-forward layers'),
  hidden_act: gelu,
  max_position_embeddings: count(512, 'tokens of the longest text'),
  type_vocab_size: count(0, 'kinds of texts that are told apart', 0),
  layer_norm_eps: real(1e-7, 'added under the root of a norm', 0, 1),
  relative_attention: flag(false, 'whether the attention reads distances'),
  max_relative_positions: count(-1, 'the largest distance; max_position_embeddings where it is below 1', -1),
  position_buckets: count(-1, 'half the number of distances that are told apart; all of them below 1', -1),
  pos_att_type: texts('c2p: what is said against distances; p2c: distances against what is said'),
  share_att_key: flag(false, 'whether distances go through the projections of queries and keys'),
  norm_rel_ebd: text('none', 'layer_norm: the vectors of distances are normed'),
  position_biased_input: flag(true, 'whether embeddings have a part for the position'),
  embedding_size: optional(count(1536, 'width of the embeddings; hidden_size without', 1, 65_536)),
  pooler_hidden_size: optional(count(1536, 'width of the pooler; hidden_size, and no other', 1, 65_536)),
  pooler_hidden_act: gelu,
}
type Config = ConfigOf<typeof fields>

type AttentionParams = Readonly<Record<'q_proj' | 'k_proj' | 'v_proj' | 'o_proj', LinearSpec>> & {
  readonly pos_key_proj?: LinearSpec
  readonly pos_query_proj?: LinearSpec
}
type LayerParams = {
  readonly attention: AttentionParams
  readonly attention_norm: NormSpec
  readonly mlp: { readonly up_proj: LinearSpec; readonly down_proj: LinearSpec }
  readonly output_norm: NormSpec
}
type DebertaParams = {
  readonly embed_tokens: { readonly weight: Spec }
  readonly embed_positions?: { readonly weight: Spec }
  readonly embed_types?: { readonly weight: Spec }
  readonly embed_proj?: LinearSpec
  readonly embed_norm: NormSpec
  readonly rel_embeddings?: { readonly weight: Spec }
  readonly rel_norm?: NormSpec
  readonly layers: readonly LayerParams[]
}
type HeadParams = { readonly pooler?: LinearSpec }

/** Distances that the table has on each side. */
const spanOf = (c: Config): number => (c.position_buckets > 0 ? c.position_buckets : largestDistance(c))
const largestDistance = (c: Config): number =>
  c.max_relative_positions < 1 ? c.max_position_embeddings : c.max_relative_positions
const reads = (c: Config, kind: 'c2p' | 'p2c'): boolean => c.relative_attention && c.pos_att_type.includes(kind)

function layerParams(c: Config): LayerParams {
  const { hidden_size: width, intermediate_size: inner } = c
  const square = linearParams(width, width, true)
  const own = (kind: 'c2p' | 'p2c'): boolean => reads(c, kind) && !c.share_att_key
  return {
    attention: {
      q_proj: square,
      k_proj: square,
      v_proj: square,
      o_proj: square,
      ...(own('c2p') ? { pos_key_proj: square } : {}),
      ...(own('p2c') ? { pos_query_proj: square } : {}),
    },
    attention_norm: layerNormSpec(width),
    mlp: { up_proj: linearParams(width, inner, true), down_proj: linearParams(inner, width, true) },
    output_norm: layerNormSpec(width),
  }
}

export const debertaV2 = defineEncoder({
  name: 'deberta-v2',
  about: 'DeBERTa-v2 and v3: attention that reads contents and distances apart (He et al. 2020, arXiv 2006.03654)',
  fields,
  check(c) {
    const { hidden_size: width, num_attention_heads: heads, pooler_hidden_size: pooler } = c
    requires(width % heads === 0, `deberta-v2.num_attention_heads: ${heads} heads do not split width ${width}`)
    requires(
      pooler === null || pooler === width,
      `deberta-v2.pooler_hidden_size: expected hidden_size (${width}), got ${pooler}`,
    )
    for (const kind of c.pos_att_type)
      requires(
        kind === 'c2p' || kind === 'p2c',
        `deberta-v2.pos_att_type: expected c2p and p2c only, got ${JSON.stringify(kind)}`,
      )
    requires(
      c.norm_rel_ebd === 'none' || c.norm_rel_ebd === 'layer_norm',
      `deberta-v2.norm_rel_ebd: expected none or layer_norm, got ${c.norm_rel_ebd}`,
    )
  },
  sizes: (c) => ({ vocab: c.vocab_size, width: c.hidden_size, maxTokens: c.max_position_embeddings }),
  params(c): DebertaParams {
    const width = c.embedding_size ?? c.hidden_size
    const table = (rows: number, columns = width) => ({ weight: matrix([rows, columns], 0.02) })
    return {
      embed_tokens: table(c.vocab_size),
      ...(c.position_biased_input ? { embed_positions: table(c.max_position_embeddings) } : {}),
      ...(c.type_vocab_size > 0 ? { embed_types: table(c.type_vocab_size) } : {}),
      ...(width === c.hidden_size ? {} : { embed_proj: linearParams(width, c.hidden_size, false) }),
      embed_norm: layerNormSpec(c.hidden_size),
      ...(c.relative_attention ? { rel_embeddings: table(2 * spanOf(c), c.hidden_size) } : {}),
      ...(c.relative_attention && c.norm_rel_ebd === 'layer_norm' ? { rel_norm: layerNormSpec(c.hidden_size) } : {}),
      layers: Array.from({ length: c.num_hidden_layers }, () => layerParams(c)),
    }
  },
  encode(op, c, p, { ids, mask, types }) {
    type T = typeof ids
    const norm = (x: T, own: Of<NormSpec, T>): T => normOf(op, { width: c.hidden_size, eps: c.layer_norm_eps }, x, own)
    let x = op.gather(p.embed_tokens.weight, ids) //                                           (B, T, E)
    if (p.embed_positions) x = op.add(x, op.gather(p.embed_positions.weight, op.int32(op.iota(ids, 1))))
    if (p.embed_types) x = op.add(x, op.gather(p.embed_types.weight, types))
    if (p.embed_proj) x = op.linear(x, p.embed_proj.weight)
    x = op.tap(norm(x, p.embed_norm), 'embeddings') //                                         (B, T, D)
    const allowed = op.less(op.constant(0.5), op.reshape(mask, [0, 1, 1, -1])) //              (B, 1, 1, T)
    const table = p.rel_embeddings?.weight
    const far =
      table === undefined
        ? undefined
        : {
            vectors: p.rel_norm ? norm(table, p.rel_norm) : table, //                            (2S, D)
            rows: distanceRows(op, ids, {
              span: spanOf(c),
              buckets: c.position_buckets,
              largest: largestDistance(c),
              tokens: c.max_position_embeddings,
            }),
          }
    for (const [i, layer] of p.layers.entries()) {
      x = norm(op.add(x, attention(op, c, layer.attention, x, allowed, far)), layer.attention_norm)
      const inner = activate(op, c.hidden_act, op.linear(x, layer.mlp.up_proj.weight, layer.mlp.up_proj.bias))
      const out = op.linear(inner, layer.mlp.down_proj.weight, layer.mlp.down_proj.bias)
      x = op.layerHook(norm(op.add(x, out), layer.output_norm), i)
    }
    return x
  },
  headParams: ({ hidden_size: width }, task): HeadParams =>
    task === 'sequence' ? { pooler: linearParams(width, width, true) } : {},
  head: (op, c, { pooler }, _, { hidden }) =>
    pooler ? activate(op, c.pooler_hidden_act, op.linear(firstToken(op, hidden), pooler.weight, pooler.bias)) : hidden,
})

/** Vectors of distances (2S,D), and for each pair of tokens which of them is theirs. */
interface Distances<T> {
  readonly vectors: T
  readonly rows: ReturnType<typeof distanceRows<T>>
}

function attention<T>(
  op: Ops<T>,
  c: Config,
  p: Of<AttentionParams, T>,
  x: T,
  allowed: T,
  far: Distances<T> | undefined,
): T {
  const [heads, channels] = [c.num_attention_heads, c.hidden_size / c.num_attention_heads]
  const parts = [p.q_proj, p.k_proj, p.v_proj].map((part) => ({ ...part, size: c.hidden_size }))
  const [q, k, v] = op
    .linears(x, parts)
    .map((y) => op.transpose(op.reshape(y, [0, 0, heads, channels]), [0, 2, 1, 3])) as [T, T, T]
  let scores = op.matmul(q, op.transpose(k, [0, 1, 3, 2])) //                                  (B, H, T, T)
  /** Of each token of `from` against all distances, that to each other token. */
  const distant = (from: T, own: Of<LinearSpec, T>, side: 'query' | 'key'): T => {
    const projected = op.linear(far!.vectors, own.weight, own.bias)
    const vectors = op.transpose(op.reshape(projected, [0, heads, channels]), [1, 2, 0]) //    (H, C, 2S)
    return pickByDistance(op, op.matmul(from, vectors), far!.rows[side], heads)
  }
  if (reads(c, 'c2p')) scores = op.add(scores, distant(q, p.pos_key_proj ?? p.k_proj, 'query'))
  if (reads(c, 'p2c')) scores = op.add(scores, distant(k, p.pos_query_proj ?? p.q_proj, 'key'))
  // transformers divides by the kinds that are named, also where distances are not read.
  const scale = 1 / Math.sqrt(channels * (1 + new Set(c.pos_att_type).size))
  const mask = op.where(allowed, op.constant(0), op.constant(-1e9))
  const y = op.matmul(op.softmax(op.add(op.mul(scores, op.constant(scale)), mask)), v) //      (B, H, T, C)
  const joined = op.reshape(op.transpose(y, [0, 2, 1, 3]), [0, 0, c.hidden_size])
  return op.linear(joined, p.o_proj.weight, p.o_proj.bias)
}
