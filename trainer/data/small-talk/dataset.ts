/** Small talk as rows of a batch: what is said, and which reply fits it. */
import type { TextCodec } from '../../../runtime/text.ts'
import type { Dataset } from '../batch.ts'
import { labelledDataset, type LabelledRow } from '../labelled.ts'
import { smallTalkLines, smallTalkWriter, type Line } from './lines.ts'
import { smallTalkReplies } from './replies.ts'

export interface SmallTalkOptions {
  readonly batch: number
  readonly sequenceLength: number
  readonly codec: Pick<TextCodec, 'encode'>
  readonly seed: number
  readonly part: 'train' | 'heldout'
}

/** Batches without an end: lines of the training in many variations, those that are kept aside as they are. */
export function smallTalkDataset({ codec, seed, part, ...rows }: SmallTalkOptions): Dataset {
  const labels = new Map(smallTalkReplies().map((reply, label) => [reply, label]))
  const write = part === 'train' ? smallTalkWriter() : null
  const kept = smallTalkLines('heldout')
  const row = ({ says, reply }: Line): LabelledRow => ({
    ids: codec.encode(says).slice(0, rows.sequenceLength),
    label: labels.get(reply)!,
  })
  return labelledDataset({
    ...rows,
    description: `small talk (${part}), seed ${seed}`,
    seed: `small talk ${part} ${seed}`,
    draw: (random) => row(write ? write(random) : random.pick(kept)),
  })
}
