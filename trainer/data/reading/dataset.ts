/** Pairs for a reader as rows of a batch. */
import { READER_LABELS } from '../../../runtime/reader.ts'
import type { TextCodec } from '../../../runtime/text.ts'
import type { Dataset } from '../batch.ts'
import { labelledDataset } from '../labelled.ts'
import type { Part } from '../notes/values.ts'
import { drawPair } from './pairs.ts'

export interface ReadingOptions {
  readonly batch: number
  readonly sequenceLength: number
  readonly codec: Pick<TextCodec, 'encode'>
  readonly seed: number
  readonly part: Part
  /** The token before a pair, and the one after each of its texts. */
  readonly start: number
  readonly separator: number
}

/** Batches without an end. Of a pair that is longer than a row, the second text is cut. */
export function readingDataset({ codec, seed, part, start, separator, ...rows }: ReadingOptions): Dataset {
  return labelledDataset({
    ...rows,
    description: `pairs for a reader (${part}), seed ${seed}`,
    seed: `reading ${part} ${seed}`,
    draw(random) {
      const { first, second, label } = drawPair(random, part)
      const ids = [start, ...codec.encode(first).slice(0, rows.sequenceLength - 4), separator, ...codec.encode(second)]
      return { ids: [...ids.slice(0, rows.sequenceLength - 1), separator], label: READER_LABELS.indexOf(label) }
    },
  })
}
