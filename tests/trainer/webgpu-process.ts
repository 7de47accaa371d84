/** Two training steps of a very small model on the device named by the first argument; prints the losses as JSON. */
import { createModel } from '../../models/registry.ts'
import { createCompiledBackend } from '../../trainer/compile/backend.ts'
import { emptyBatch } from '../../trainer/data/batch.ts'
import { Random } from '../../trainer/random.ts'

const model = createModel('vanilla', { vocab: 11, width: 8, heads: 2, hidden: 8, layers: 1, window: 4 })
const backend = await createCompiledBackend(
  {
    model,
    batch: 1,
    time: 4,
    optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1, bits: 32 },
    accumulate: 1,
    recompute: 1,
    labels: 0,
    precision: 'float32' as const,
    carry: true,
    rate: () => 1,
    threads: 1,
    device: process.argv[2] as 'cpu' | 'webgpu',
    random: new Random(1),
  },
  3,
)
const batch = emptyBatch(1, 4)
batch.ids.set([1, 5, 2, 9])
batch.targets.set([5, 2, 9, 3])
batch.weights.fill(1)
const losses: number[] = []
for (let step = 1; step <= 2; step++) losses.push((await backend.step(batch, 1e-2, step, true)).loss)
process.stdout.write(`${JSON.stringify(losses)}\n`)
