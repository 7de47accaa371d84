/** Claims as rows of a batch: two texts with a separator between them, and a label. */
import { VERDICT_LABELS } from '../../../runtime/critic.ts'
import type { TextCodec } from '../../../runtime/text.ts'
import { Random, type RandomState } from '../../random.ts'
import type { Part } from '../notes/values.ts'
import type { Batch, Dataset } from '../batch.ts'
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
export function claimsDataset({ batch, sequenceLength, codec, seed, part, separator, draw }: ClaimsOptions): Dataset {
  const random = new Random(`claims ${part} ${seed}`)
  return {
    description: `claims (${part}), seed ${seed}`,
    next() {
      const out: Batch = {
        ids: new Int32Array(batch * sequenceLength),
        targets: new Int32Array(batch),
        weights: new Float32Array(batch).fill(1),
        carry: new Float32Array(batch),
      }
      for (let row = 0; row < batch; row++) {
        const claim = draw(random)
        const [evidence, said] = textsOf(claim)
        const second = codec.encode(said).slice(0, sequenceLength - 2)
        const first = codec.encode(evidence).slice(0, sequenceLength - 1 - second.length)
        out.ids.set([...first, separator, ...second], row * sequenceLength)
        out.targets[row] = VERDICT_LABELS.indexOf(claim.label)
      }
      return Promise.resolve(out)
    },
    position: () => [...random.state],
    seek(position) {
      random.restore(position as unknown as RandomState)
      return Promise.resolve()
    },
  }
}
