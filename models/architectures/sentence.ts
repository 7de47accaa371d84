/**
 * The sentence encoder as it is trained: rows are texts, a group of them is a question, the text that answers it, and texts
 * that do not (InfoNCE, van den Oord et al. 2018, arXiv 1807.03748; in-batch negatives, Karpukhin et al. 2020, arXiv
 * 2004.04906). Rows may also be taught the vector that another encoder gives them.
 */
import { define } from '../architecture.ts'
import { count, real, optionsAmong, type ConfigOf } from '../config.ts'
import { sentenceVector } from '../layers/pooling.ts'
import type { Ops } from '../ops.ts'
import { checkHeads, encodeSentence, sentenceFields, sentenceParams } from './sentence-encoder.ts'

// G groups  R rows of a group
const fields = {
  ...sentenceFields,
  group: count(3, 'texts of a group: a question, its answer, and those that do not answer it', 2, 64),
  temperature: real(0.05, 'by which cosines are divided where they are compared', 1e-3, 10),
  teaching: real(10, "weight of the distance to a teacher's vectors", 0, 1e4),
}
type Config = ConfigOf<typeof fields>

/** The options of the encoder alone. */
export const encoderOptions = (config: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  optionsAmong(sentenceFields, config)

export const sentence = define({
  name: 'sentence',
  about: 'a small encoder of sentences, trained by comparing them',
  fields,
  check: (c: Config) => checkHeads('sentence', c),
  params: (c: Config) => sentenceParams(c),
  state: () => ({}),
  positions: ({ maxTokens }) => maxTokens,
  layers: ({ layers }) => layers,
  multipliesByLinear: true,
  contrast: ({ group, teaching }) => ({
    group,
    teaching: (op, hidden, taught) => op.mul(distance(op, hidden, taught), op.constant(teaching)),
  }),
  trainingOnly: () => 'it writes no text; mneme export makes a bundle with an embedder of it',
  /** ids (B,T), padded with 0 -> one vector of length 1 for each row, (B,1,D). */
  forward(op, c, p, ids, state) {
    const mask = tokenMask(op, c, ids)
    const hidden = encodeSentence(op, c, p, { ids, mask })
    const vectors = sentenceVector(op, { pooling: 'mean', normalize: true }, hidden, mask)
    return { hidden: op.reshape(vectors, [0, 1, -1]), state }
  },
  /** vectors (B,1,D) of groups one after another -> scores (G, G) of each question against all other texts. */
  logits(op, { width, group, temperature }, _, vectors) {
    const [questions, others] = op.split(op.reshape(vectors, [-1, group, width]), [1, group - 1], 1) as [
      typeof vectors,
      typeof vectors,
    ]
    const scores = op.matmul(op.reshape(questions, [-1, width]), transposed(op, op.reshape(others, [-1, width])))
    return op.div(scores, op.constant(temperature))
  },
})

const transposed = <T>(op: Ops<T>, x: T): T => op.transpose(x, [1, 0])

/** 1 at tokens, 0 at padding, whose id is 0: (B,T). */
export function tokenMask<T>(op: Ops<T>, { vocab }: { readonly vocab: number }, ids: T): T {
  const isToken = Array.from({ length: vocab }, (_, id) => Number(id > 0))
  return op.reshape(op.gather(op.table(isToken, [vocab, 1]), ids), [0, -1])
}

/** The mean of 1 - cosine over the rows that are taught: taught (B,D) has length 1 there, and is zero elsewhere. */
function distance<T>(op: Ops<T>, vectors: T, taught: T): T {
  const total = (x: T): T => op.sum(op.reshape(x, [-1]), 0)
  const rows = total(op.mul(taught, taught))
  const cosines = total(op.mul(op.reshape(vectors, [-1]), op.reshape(taught, [-1])))
  return op.div(op.sub(rows, cosines), op.maximum(rows, op.constant(1e-6)))
}
