/**
 * A small cross-encoder that says whether a sentence holds by another one: it reads both as one text and gives labels to the
 * pair. Which tokens stand in both is given to it, as a feature of tokens (the exact match of Chen et al. 2017, arXiv
 * 1704.00051) and as a bias of the attention, so that values which it has never seen are compared too.
 */
import { count, real, type ConfigOf } from '../config.ts'
import { defineEncoder, type EncoderInput } from '../encoder.ts'
import type { Ops } from '../ops.ts'
import { linearParams, matrix, parameter, type LinearSpec, type Of, type Spec } from '../spec.ts'
import {
  checkHeads,
  encodeLayer,
  labelHead,
  labelVector,
  sentenceLayer,
  type SentenceLayerParams,
} from './sentence-encoder.ts'

// B batch  T time  D width  H heads
export const criticFields = {
  vocab: count(16_000, 'size of the vocabulary'),
  width: count(128, 'width of the model'),
  layers: count(3, 'number of layers', 1, 1024),
  heads: count(4, 'heads of the attention'),
  hidden: count(256, 'inner width of the feed-forward layers'),
  maxTokens: count(128, 'tokens of the longest pair'),
  rope: real(10_000, 'base of the rotation of positions', 1, 1e9),
}
export type CriticConfig = ConfigOf<typeof criticFields>

export type CriticParams = {
  readonly embed_tokens: { readonly weight: Spec }
  readonly embed_types: { readonly weight: Spec }
  /** From whether a token, it with the one before and it with the next one stand in the other text. */
  readonly match: LinearSpec
  /** (layers, H): what is added to the score of a token that is the same in the other text. */
  readonly same: { readonly weight: Spec }
  readonly layers: readonly SentenceLayerParams[]
}

export const criticParams = (c: CriticConfig): CriticParams => ({
  embed_tokens: { weight: matrix([c.vocab, c.width], 1) },
  embed_types: { weight: matrix([2, c.width], 0.5) },
  match: linearParams(3, c.width),
  same: { weight: parameter([c.layers, c.heads], { kind: 'constant', value: 2 }) },
  layers: Array.from({ length: c.layers }, () => sentenceLayer(c)),
})

/** hidden (B,T,D) of a pair; `types` says to which text a token belongs. */
export function encodePair<T>(op: Ops<T>, c: CriticConfig, p: Of<CriticParams, T>, input: EncoderInput<T>): T {
  const { ids, mask, types } = input
  const { matches, same } = matching(op, input)
  const tokens = op.add(op.gather(p.embed_tokens.weight, ids), op.gather(p.embed_types.weight, types))
  const view = {
    allowed: op.less(op.constant(0.5), op.reshape(mask, [0, 1, 1, -1])), //                    (B, 1, 1, T)
    positions: op.reshape(op.iota(ids, 1), [-1, 1]), //                                         (T, 1)
  }
  const biases = op.split(
    p.same.weight,
    p.layers.map(() => 1),
    0,
  )
  let x = op.add(tokens, op.linear(matches, p.match.weight)) //                                (B, T, D)
  for (const [i, layer] of p.layers.entries()) {
    const bias = op.mul(same, op.reshape(biases[i]!, [1, c.heads, 1, 1])) //                   (B, H, T, T)
    x = op.layerHook(encodeLayer(op, c, layer, x, { ...view, bias }), i)
  }
  return x
}

/** Which tokens stand in the other text: alone, after the same one, before the same one (B,T,3); and where (B,1,T,T). */
function matching<T>(op: Ops<T>, { ids, mask, types }: EncoderInput<T>): { matches: T; same: T } {
  const row = (x: T): T => op.reshape(x, [0, 1, 1, -1])
  const column = (x: T): T => op.reshape(x, [0, 1, -1, 1])
  const equal = (x: T): T => {
    const notMore = op.where(op.less(row(x), column(x)), op.constant(0), op.constant(1))
    return op.where(op.less(column(x), row(x)), op.constant(0), notMore) //                    (B, 1, T, T)
  }
  const before = op.concat([op.slice(ids, 1, 0, 1), op.slice(ids, 1, 0, -1)], 1)
  const after = op.concat([op.slice(ids, 1, 1), op.slice(ids, 1, -1)], 1)
  const other = op.mul(op.mul(row(mask), column(mask)), op.sub(op.constant(1), equal(types)))
  const same = op.mul(equal(ids), other)
  const runs = [same, op.mul(same, equal(before)), op.mul(same, equal(after))]
  const matches = runs.map((run) => op.reshape(op.max(run, -1), [0, -1, 1])) //                 (B, T, 1)
  return { matches: op.concat(matches, -1), same }
}

export const criticEncoder = defineEncoder({
  name: 'critic',
  about: 'a small cross-encoder of pairs of sentences, trained here',
  fields: criticFields,
  check: (c) => checkHeads('critic', c),
  sizes: ({ vocab, width, maxTokens }) => ({ vocab, width, maxTokens }),
  params: criticParams,
  encode: (op, c, p, input) => encodePair(op, c, p, input),
  headParams: labelHead,
  head: (op, _, p, __, { hidden, mask }) => labelVector(op, p, hidden, mask),
})
