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

type LayerParams = {
  readonly attention_norm: { readonly weight: Spec }
  readonly attention: Readonly<Record<'q_proj' | 'k_proj' | 'v_proj' | 'o_proj', LinearSpec>>
  readonly mlp_norm: { readonly weight: Spec }
  readonly mlp: Readonly<Record<'gate_proj' | 'up_proj' | 'down_proj', LinearSpec>>
}
export type SentenceParams = {
  readonly embed_tokens: { readonly weight: Spec }
  readonly embed_types?: { readonly weight: Spec }
  readonly layers: readonly LayerParams[]
}

/** A matrix (out, in) that starts at zero. */
const silent = (width: number, size: number): LinearSpec => ({
  weight: parameter([size, width], { kind: 'constant', value: 0 }),
})

export const sentenceParams = ({ vocab, width, layers, hidden, segments }: SentenceConfig): SentenceParams => ({
  embed_tokens: { weight: matrix([vocab, width], 1) },
  ...(segments > 1 ? { embed_types: { weight: vector([segments, width], 0) } } : {}),
  layers: Array.from({ length: layers }, () => ({
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
  })),
})

export function checkSentence({ width, heads }: SentenceConfig): void {
  requires(width % heads === 0, `sentence.heads: ${heads} heads do not split width ${width}`)
  requiresEvenChannels('sentence', width, heads)
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
  for (const [i, layer] of p.layers.entries()) {
    const seen = op.rmsNorm(x, layer.attention_norm.weight, EPS)
    x = op.add(x, attention(op, c, layer.attention, seen, { allowed, positions }))
    const read = op.rmsNorm(x, layer.mlp_norm.weight, EPS)
    const [gate, up] = op.linears(read, [
      { ...layer.mlp.gate_proj, size: c.hidden },
      { ...layer.mlp.up_proj, size: c.hidden },
    ]) as [T, T]
    x = op.add(x, op.linear(op.mul(op.silu(gate), up), layer.mlp.down_proj.weight))
    x = op.layerHook(x, i)
  }
  return x
}

function attention<T>(
  op: Ops<T>,
  { width, heads, rope }: SentenceConfig,
  p: Of<LayerParams['attention'], T>,
  x: T,
  { allowed, positions }: { allowed: T; positions: T },
): T {
  const channels = width / heads
  const parts = [p.q_proj, p.k_proj, p.v_proj].map((part) => ({ ...part, size: width }))
  const [q, k, v] = op
    .linears(x, parts)
    .map((y) => op.transpose(op.reshape(y, [0, 0, heads, channels]), [0, 2, 1, 3])) as [T, T, T]
  const turn = (y: T, scale: number): T => op.rotate(y, positions, { rope, channels, scale })
  const y = attend(op, turn(q, 1 / Math.sqrt(channels)), turn(k, 1), v, allowed, 4) //         (B, H, T, C)
  return op.linear(op.reshape(op.transpose(y, [0, 2, 1, 3]), [0, 0, width]), p.o_proj.weight)
}

export const sentenceEncoder = defineEncoder({
  name: 'sentence',
  about: 'a small encoder of sentences, trained here',
  fields: sentenceFields,
  check: checkSentence,
  sizes: ({ vocab, width, maxTokens }) => ({ vocab, width, maxTokens }),
  params: sentenceParams,
  encode: (op, c, p, input) => encodeSentence(op, c, p, input),
  headParams: ({ width }): { readonly dense: LinearSpec } => ({ dense: linearParams(width, width, true) }),
  head(op, _, { dense }, task, { hidden, mask }) {
    const x = task === 'sequence' ? sentenceVector(op, { pooling: 'mean', normalize: false }, hidden, mask) : hidden
    return op.tanh(op.linear(x, dense.weight, dense.bias))
  },
})
