/**
 * A small encoder of sentences: token vectors that already are a sentence's when they are averaged, and few pre-norm layers
 * that add what words mean together. Its layers add nothing at the start of training, so that it begins as good as its
 * token vectors.
 */
import { attend } from '../composites.ts'
import { count, real, requires, requiresEvenChannels, type ConfigOf } from '../config.ts'
import { defineEncoder } from '../encoder.ts'
import { sentenceVector } from '../layers/pooling.ts'
import type { Ops } from '../ops.ts'
import { linearParams, matrix, normParams, parameter, vector, type LinearSpec, type Of, type Spec } from '../spec.ts'

// B batch  T time  D width  H heads  C channels of a head
export const sentenceFields = {
  vocab: count(16_000, 'size of the vocabulary'),
  width: count(128, 'width of the model and of its vectors'),
  layers: count(2, 'number of layers', 1, 1024),
  heads: count(4, 'heads of the attention'),
  hidden: count(256, 'inner width of the feed-forward layers'),
  segments: count(1, 'texts that are read as one and told apart', 1, 2),
  maxTokens: count(256, 'tokens of the longest text'),
  rope: real(10_000, 'base of the rotation of positions', 1, 1e9),
}
export type SentenceConfig = ConfigOf<typeof sentenceFields>

const EPS = 1e-6

export type SentenceLayerParams = {
  readonly attention_norm: { readonly weight: Spec }
  readonly attention: Readonly<Record<'q_proj' | 'k_proj' | 'v_proj' | 'o_proj', LinearSpec>>
  readonly mlp_norm: { readonly weight: Spec }
  readonly mlp: Readonly<Record<'gate_proj' | 'up_proj' | 'down_proj', LinearSpec>>
}
export type SentenceParams = {
  readonly embed_tokens: { readonly weight: Spec }
  readonly embed_types?: { readonly weight: Spec }
  readonly layers: readonly SentenceLayerParams[]
}

/** A matrix (out, in) that starts at zero. */
const silent = (width: number, size: number): LinearSpec => ({
  weight: parameter([size, width], { kind: 'constant', value: 0 }),
})

/** The sizes of its layers. */
type LayerSizes = Pick<SentenceConfig, 'width' | 'heads' | 'hidden' | 'rope'>

export const sentenceLayer = ({ width, hidden }: Pick<LayerSizes, 'width' | 'hidden'>): SentenceLayerParams => ({
  attention_norm: normParams(width),
  attention: {
    q_proj: linearParams(width, width),
    k_proj: linearParams(width, width),
    v_proj: linearParams(width, width),
    o_proj: silent(width, width),
  },
  mlp_norm: normParams(width),
  mlp: {
    gate_proj: linearParams(width, hidden),
    up_proj: linearParams(width, hidden),
    down_proj: silent(hidden, width),
  },
})

export const sentenceParams = (c: SentenceConfig): SentenceParams => ({
  embed_tokens: { weight: matrix([c.vocab, c.width], 1) },
  ...(c.segments > 1 ? { embed_types: { weight: vector([c.segments, c.width], 0) } } : {}),
  layers: Array.from({ length: c.layers }, () => sentenceLayer(c)),
})

export function checkHeads(name: string, { width, heads }: Pick<SentenceConfig, 'width' | 'heads'>): void {
  requires(width % heads === 0, `${name}.heads: ${heads} heads do not split width ${width}`)
  requiresEvenChannels(name, width, heads)
}

/** hidden (B,T,D); tokens see all tokens of their text where mask (B,T) is 1. `types` is read where there are segments. */
export function encodeSentence<T>(
  op: Ops<T>,
  c: SentenceConfig,
  p: Of<SentenceParams, T>,
  { ids, mask, types }: { readonly ids: T; readonly mask: T; readonly types?: T },
): T {
  const allowed = op.less(op.constant(0.5), op.reshape(mask, [0, 1, 1, -1])) //               (B, 1, 1, T)
  const positions = op.reshape(op.iota(ids, 1), [-1, 1]) //                                    (T, 1)
  const tokens = op.gather(p.embed_tokens.weight, ids)
  const isPair = p.embed_types !== undefined && types !== undefined
  let x = isPair ? op.add(tokens, op.gather(p.embed_types.weight, types)) : tokens //          (B, T, D)
  for (const [i, layer] of p.layers.entries()) x = op.layerHook(encodeLayer(op, c, layer, x, { allowed, positions }), i)
  return x
}

/** One layer over x (B,T,D). */
export function encodeLayer<T>(op: Ops<T>, c: LayerSizes, p: Of<SentenceLayerParams, T>, x: T, view: View<T>): T {
  const seen = op.rmsNorm(x, p.attention_norm.weight, EPS)
  const mixed = op.add(x, attention(op, c, p.attention, seen, view))
  const read = op.rmsNorm(mixed, p.mlp_norm.weight, EPS)
  const [gate, up] = op.linears(read, [
    { ...p.mlp.gate_proj, size: c.hidden },
    { ...p.mlp.up_proj, size: c.hidden },
  ]) as [T, T]
  return op.add(mixed, op.linear(op.mul(op.silu(gate), up), p.mlp.down_proj.weight))
}

/** Which tokens see which. */
export interface View<T> {
  /** (B,1,1,T). */
  readonly allowed: T
  /** (T,1). */
  readonly positions: T
  /** What is added to the scores (B,H,T,T). */
  readonly bias?: T
}

function attention<T>(
  op: Ops<T>,
  { width, heads, rope }: LayerSizes,
  p: Of<SentenceLayerParams['attention'], T>,
  x: T,
  { allowed, positions, bias }: View<T>,
): T {
  const channels = width / heads
  const parts = [p.q_proj, p.k_proj, p.v_proj].map((part) => ({ ...part, size: width }))
  const [q, k, v] = op
    .linears(x, parts)
    .map((y) => op.transpose(op.reshape(y, [0, 0, heads, channels]), [0, 2, 1, 3])) as [T, T, T]
  const turn = (y: T, scale: number): T => op.rotate(y, positions, { rope, channels, scale })
  const [query, key] = [turn(q, 1 / Math.sqrt(channels)), turn(k, 1)]
  const y = bias ? attendBiased(op, query, key, v, { allowed, bias }) : attend(op, query, key, v, allowed, 4)
  return op.linear(op.reshape(op.transpose(y, [0, 2, 1, 3]), [0, 0, width]), p.o_proj.weight)
}

/** Attention (B,H,T,C) whose scores have something added to them. */
function attendBiased<T>(op: Ops<T>, q: T, k: T, v: T, { allowed, bias }: { allowed: T; bias: T }): T {
  const mask = op.where(allowed, op.constant(0), op.constant(-1e9))
  const scores = op.add(op.matmul(q, op.transpose(k, [0, 1, 3, 2])), op.add(bias, mask))
  return op.matmul(op.softmax(scores), v)
}

export type LabelHead = { readonly dense: LinearSpec }

/** What the labels of a whole text are read from: the mean and the largest of each channel. */
export const labelHead = ({ width }: Pick<SentenceConfig, 'width'>): LabelHead => ({
  dense: { ...linearParams(2 * width, width), bias: vector([width], 0) },
})

/** hidden (B,T,D), mask (B,T) -> (B,D). */
export function labelVector<T>(op: Ops<T>, { dense }: Of<LabelHead, T>, hidden: T, mask: T): T {
  const [mean, max] = (['mean', 'max'] as const).map((pooling) =>
    sentenceVector(op, { pooling, normalize: false }, hidden, mask),
  ) as [T, T]
  return op.tanh(op.linear(op.concat([mean, max], -1), dense.weight, dense.bias))
}

export const sentenceEncoder = defineEncoder({
  name: 'sentence',
  about: 'a small encoder of sentences, trained here',
  fields: sentenceFields,
  check: (c) => checkHeads('sentence', c),
  sizes: ({ vocab, width, maxTokens }) => ({ vocab, width, maxTokens }),
  params: sentenceParams,
  encode: (op, c, p, input) => encodeSentence(op, c, p, input),
  headParams: labelHead,
  head: (op, _, p, __, { hidden, mask }) => labelVector(op, p, hidden, mask),
})
