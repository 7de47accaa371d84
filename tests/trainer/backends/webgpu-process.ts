/** Two training steps of a very small model on the device named by the first argument; prints the losses as JSON. */
import { createModel } from '../../../models/registry.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { emptyBatch } from '../../../trainer/data/batch.ts'
import { backendOptions } from '../../support/backend-options.ts'

const model = createModel('vanilla', { vocab: 11, width: 8, heads: 2, hidden: 8, layers: 1, window: 4 })
const device = process.argv[2] as 'cpu' | 'webgpu'
const backend = await createCompiledBackend(backendOptions(model, { batch: 1, sequenceLength: 4, device }), 3)
const batch = emptyBatch(1, 4)
batch.ids.set([1, 5, 2, 9])
batch.targets.set([5, 2, 9, 3])
batch.weights.fill(1)
const losses: number[] = []
for (let step = 1; step <= 2; step++) losses.push((await backend.update([batch], 1e-2, step)).loss)
process.stdout.write(`${JSON.stringify(losses)}\n`)
