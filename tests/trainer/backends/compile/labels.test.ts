import { expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import { createCompiledBackend } from '../../../../trainer/backends/compile/backend.ts'
import { emptyBatch } from '../../../../trainer/data/batch.ts'
import { Random } from '../../../../trainer/random.ts'
import { expectClose } from '../../../support/all-close.ts'
import { backendOptions } from '../../../support/backend-options.ts'

const model = createModel('delta', {
  vocab: 31,
  width: 16,
  layers: 'ad',
  heads: 2,
  window: 4,
  memoryHeads: 2,
  keys: 8,
  values: 8,
  hidden: 24,
})
const options = (labels: number) => backendOptions(model, { maxLabels: labels })

/** Every `step`-th token has a weight. */
function batchOf(step: number) {
  const random = new Random(`labels ${step}`)
  const batch = emptyBatch(2, 12)
  for (let i = 0; i < 24; i++) {
    batch.ids[i] = random.int(31)
    batch.targets[i] = random.int(31)
    batch.weights[i] = i % step === 0 ? 1 + (i % 3) : 0
  }
  return batch
}

test('logits of the weighted tokens alone = logits of all: the same losses, and the same held-out loss', async () => {
  const found = []
  for (const labels of [0, 8]) {
    const backend = await createCompiledBackend(options(labels), 3)
    const losses = []
    // Fewer labels than places, and then as many: what was there before must not count
    for (const [i, step] of [3, 5, 3].entries()) losses.push((await backend.update([batchOf(step)], 1e-2, i + 1)).loss)
    losses.push(await backend.evaluate([batchOf(5), batchOf(3)]))
    backend.close()
    found.push(losses)
  }
  expectClose(found[1]!, found[0]!, { absolute: 1e-5 })
})

test('a batch with more weighted tokens than places is refused', async () => {
  const backend = await createCompiledBackend(options(7), 3)
  await expect(backend.update([batchOf(3)], 1e-2, 1)).rejects.toThrow(
    'maxLabels: expected at most 7 weighted tokens in a batch, got 8',
  )
  backend.close()
})
