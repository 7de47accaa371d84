/** The critic's encoder as it is trained: rows are pairs of texts with one label each. */
import { define } from '../architecture.ts'
import { count, optionsAmong, type ConfigOf } from '../config.ts'
import type { Ops } from '../ops.ts'
import { labelled, labelParams, rowVector } from './labelled.ts'
import { criticFields, criticParams, encodePair } from './critic-encoder.ts'
import { tokenMask } from './sentence.ts'
import { checkHeads } from './sentence-encoder.ts'

const fields = {
  ...criticFields,
  labels: count(3, 'labels of a pair', 2, 1024),
  separator: count(3, 'the token between the two texts of a pair'),
}
type Config = ConfigOf<typeof fields>

export const critic = define({
  name: 'critic',
  about: 'a small cross-encoder of pairs of sentences, trained to label them',
  fields,
  check: (c: Config) => checkHeads('critic', c),
  params: (c: Config) => ({
    ...criticParams(c),
    ...labelParams(c),
  }),
  ...labelled,
  positions: ({ maxTokens }) => maxTokens,
  layers: ({ layers }) => layers,
  /** ids (B,T) of two texts with the separator between them, padded with 0 -> one vector for each row, (B,1,D). */
  forward(op, c, p, ids, state) {
    const mask = tokenMask(op, c, ids)
    const hidden = encodePair(op, c, p, { ids, mask, types: secondText(op, c, ids) })
    return { hidden: rowVector(op, p, hidden, mask), state }
  },
})

/** 1 after the separator, 0 before it and at it: (B,T) int32. */
export function secondText<T>(
  op: Ops<T>,
  { vocab, separator }: { readonly vocab: number; readonly separator: number },
  ids: T,
): T {
  const isSeparator = Array.from({ length: vocab }, (_, id) => Number(id === separator))
  const found = op.reshape(op.gather(op.table(isSeparator, [vocab, 1]), ids), [0, -1])
  return op.int32(op.minimum(op.sub(op.cumsum(found, 1), found), op.constant(1)))
}

/** The options of the encoder alone. */
export const criticOptions = (config: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  optionsAmong(criticFields, config)
