/** The reader as it is trained: rows are pairs of texts with one label each. */
import { define } from '../architecture.ts'
import { count, optionsAmong, type ConfigOf } from '../config.ts'
import { bertFields, bertParams, bertSizes, checkBert, encodeBert } from '../families/bert.ts'
import { secondText } from './critic.ts'
import { labelled, labelParams, rowVector } from './labelled.ts'
import { tokenMask } from './sentence.ts'

const fields = {
  ...bertFields,
  labels: count(4, 'labels of a pair', 2, 1024),
  start: count(2, 'the token before a pair'),
  separator: count(3, 'the token after each of its texts'),
}
type Config = ConfigOf<typeof fields>

export const reader = define({
  name: 'reader',
  about: "a cross-encoder of pairs of texts over a published encoder's layers, trained to label them",
  fields,
  check: (c: Config) => checkBert(c),
  params: (c: Config) => ({ ...bertParams(c), ...labelParams({ width: c.hidden_size, labels: c.labels }) }),
  ...labelled,
  sizes: (c) => bertSizes(c),
  positions: (c) => c.max_position_embeddings,
  layers: (c) => c.num_hidden_layers,
  /** ids (B,T) of two texts with the separator after each, padded with 0 -> one vector for each row, (B,1,D). */
  forward(op, c, p, ids, state) {
    const tokens = { vocab: c.vocab_size, separator: c.separator }
    const mask = tokenMask(op, tokens, ids)
    const hidden = encodeBert(op, c, p, { ids, mask, types: secondText(op, tokens, ids) })
    return { hidden: rowVector(op, p, hidden, mask), state }
  },
})

/** The options of the encoder alone. */
export const readerOptions = (config: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  optionsAmong(bertFields, config)
