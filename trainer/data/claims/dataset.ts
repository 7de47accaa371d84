/** Claims as rows of a batch: two texts with a separator between them, and a label. */
import { VERDICT_LABELS } from '../../../runtime/critic.ts'
import type { TextCodec } from '../../../runtime/text.ts'
import type { Random } from '../../random.ts'
import type { Dataset } from '../batch.ts'
import { labelledDataset } from '../labelled.ts'
import type { Part } from '../notes/values.ts'
import { textsOf, type Claim } from './claim.ts'

export interface ClaimsOptions {
  readonly batch: number
  readonly sequenceLength: number
  readonly codec: Pick<TextCodec, 'encode'>
  readonly seed: number
  readonly part: Part
  /** The token between the two texts. */
  readonly separator: number
  readonly draw: (random: Random) => Claim
}

/** Batches without an end. Of a pair that is longer than a row, the evidence is cut. */
export function claimsDataset({ codec, seed, part, separator, draw, ...rows }: ClaimsOptions): Dataset {
  return labelledDataset({
    ...rows,
    description: `claims (${part}), seed ${seed}`,
    seed: `claims ${part} ${seed}`,
    draw(random) {
      const claim = draw(random)
      const [evidence, said] = textsOf(claim)
      const second = codec.encode(said).slice(0, rows.sequenceLength - 2)
      const first = codec.encode(evidence).slice(0, rows.sequenceLength - 1 - second.length)
      return { ids: [...first, separator, ...second], label: VERDICT_LABELS.indexOf(claim.label) }
    },
  })
}
