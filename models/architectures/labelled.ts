/** An encoder as it is trained to label its rows, texts or pairs of them: what is the same whatever it encodes. */
import type { Ops } from '../ops.ts'
import { linearParams, type LinearSpec, type Of } from '../spec.ts'
import { labelHead, labelVector, type LabelHead } from './sentence-encoder.ts'

type LabelParams = LabelHead & { readonly classifier: LinearSpec }

export const labelParams = (c: Readonly<Record<'width' | 'labels', number>>): LabelParams => ({
  ...labelHead(c),
  classifier: linearParams(c.width, c.labels, true),
})

/** hidden (B,T,D), mask (B,T) -> one vector for each row, (B,1,D). */
export const rowVector = <T>(op: Ops<T>, p: Of<LabelHead, T>, hidden: T, mask: T): T =>
  op.reshape(labelVector(op, p, hidden, mask), [0, 1, -1])

export const labelled = {
  state: () => ({}),
  multipliesByLinear: true,
  rowLabels: ({ labels }: { readonly labels: number }) => labels,
  trainingOnly: () => 'it writes no text; mneme export makes a bundle with a classifier of it',
  /** vectors (B,1,D) -> logits of the labels (B,1,L). */
  logits: <T>(op: Ops<T>, _: unknown, { classifier }: Of<LabelParams, T>, vectors: T): T =>
    op.linear(vectors, classifier.weight, classifier.bias),
} as const
