/** The small recipe of each architecture as a workload: its rows, 256 tokens each, each batch from zero state. */
import { createModel } from '../../../models/registry.ts'
import type { Device } from '../../../runtime/device.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'
import { recipes } from '../../../trainer/recipes/registry.ts'
import { backendOptions } from '../../support/backend-options.ts'

const TIME = 256
const VOCAB = 256

export const systems: readonly string[] = ['vanilla', 'rsm', 'smt', 'smt-seed', 'moc', 'nmt', 'hmst', 'delta']

/** What the recipe of that name trains. */
export function systemOf(name: string, device: Device = 'cpu') {
  const recipe = recipes.get(name)
  if (!recipe) throw new Error(`expected one of ${systems.join(', ')}, got ${name}`)
  const { architecture, batch } = recipe
  const model = createModel(architecture, { ...recipe.model, vocab: VOCAB })
  const options = backendOptions(model, {
    batch,
    sequenceLength: TIME,
    carry: false,
    threads: 2,
    device,
    deterministic: device !== 'cuda',
  })
  const batches = [0, 1, 2, 3].map((seed) => randomBatch(batch, seed))
  return { options, batches, tokens: batch * TIME }
}

function randomBatch(rows: number, seed: number): Batch {
  const random = new Random(`systems ${seed}`)
  const batch = emptyBatch(rows, TIME)
  for (let i = 0; i < rows * TIME; i++) {
    batch.ids[i] = random.int(VOCAB)
    batch.targets[i] = random.int(VOCAB)
    batch.weights[i] = 1
  }
  return batch
}
