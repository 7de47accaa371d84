/** A sentence encoder as it is trained to label texts: rows are texts with one label each. */
import { define } from '../architecture.ts'
import { count, type ConfigOf } from '../config.ts'
import { labelled, labelParams, rowVector } from './labelled.ts'
import { tokenMask } from './sentence.ts'
import { checkHeads, encodeSentence, sentenceFields, sentenceParams } from './sentence-encoder.ts'

const fields = { ...sentenceFields, labels: count(2, 'labels of a text', 2, 1024) }
type Config = ConfigOf<typeof fields>

export const sentenceClassifier = define({
  name: 'sentence-classifier',
  about: 'a small encoder of sentences, trained to label them',
  fields,
  check: (c: Config) => checkHeads('sentence-classifier', c),
  params: (c: Config) => ({
    ...sentenceParams(c),
    ...labelParams(c),
  }),
  ...labelled,
  positions: ({ maxTokens }) => maxTokens,
  layers: ({ layers }) => layers,
  /** ids (B,T) of texts, padded with 0 -> one vector for each row, (B,1,D). */
  forward(op, c, p, ids, state) {
    const mask = tokenMask(op, c, ids)
    const hidden = encodeSentence(op, c, p, { ids, mask })
    return { hidden: rowVector(op, p, hidden, mask), state }
  },
})
