/**
 * A cross-encoder over BERT's layers (Nogueira & Cho 2019, arXiv 1901.04085): it reads two texts as one and gives labels to the
 * pair, from the mean and the largest of each channel, so that a published sentence encoder can be what it starts from.
 */
import { defineEncoder } from '../encoder.ts'
import { bertFields, bertParams, bertSizes, checkBert, encodeBert } from '../families/bert.ts'
import { labelHead, labelVector } from './sentence-encoder.ts'

export const readerEncoder = defineEncoder({
  name: 'reader',
  about: "a cross-encoder of pairs of texts over a published encoder's layers",
  fields: bertFields,
  check: checkBert,
  sizes: bertSizes,
  params: bertParams,
  encode: (op, c, p, input) => encodeBert(op, c, p, input),
  headParams: (c) => labelHead({ width: c.hidden_size }),
  head: (op, _, p, __, { hidden, mask }) => labelVector(op, p, hidden, mask),
})
