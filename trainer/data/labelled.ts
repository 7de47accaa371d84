/** Texts with one label each as rows of a batch. */
import { Random, type RandomState } from '../random.ts'
import type { Batch, Dataset } from './batch.ts'

export interface LabelledRow {
  /** At most `sequenceLength` of them. */
  readonly ids: readonly number[]
  readonly label: number
}

export interface LabelledOptions {
  readonly description: string
  readonly batch: number
  readonly sequenceLength: number
  /** What the order of rows is drawn from. */
  readonly seed: string
  readonly draw: (random: Random) => LabelledRow
}

/** Batches without an end. */
export function labelledDataset({ description, batch, sequenceLength, seed, draw }: LabelledOptions): Dataset {
  const random = new Random(seed)
  return {
    description,
    next() {
      const out: Batch = {
        ids: new Int32Array(batch * sequenceLength),
        targets: new Int32Array(batch),
        weights: new Float32Array(batch).fill(1),
        carry: new Float32Array(batch),
      }
      for (let row = 0; row < batch; row++) {
        const { ids, label } = draw(random)
        out.ids.set(ids, row * sequenceLength)
        out.targets[row] = label
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
