/**
 * Updates of a very small model, on the device, in the precision and of as many batches as the arguments say; one of them
 * is undone, and its state put back by write(). Prints what they leave behind as JSON.
 */
import { createModel } from '../../../models/registry.ts'
import type { Device } from '../../../runtime/device.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import type { Precision } from '../../../trainer/backends/compile/emit.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { backendOptions } from '../../support/backend-options.ts'

const model = createModel('vanilla', { vocab: 11, width: 8, heads: 2, hidden: 8, layers: 1, window: 4 })
const [device, precision, accumulate] = process.argv.slice(2) as [Device, Precision, string]
const options = { batch: 1, sequenceLength: 4, device, precision, accumulate: Number(accumulate) }
const backend = await createCompiledBackend(backendOptions(model, options), 3)
const batches = Array.from({ length: options.accumulate }, (_, i): Batch => {
  const batch = emptyBatch(1, 4)
  batch.ids.set([1, 5, 2, 9 - i])
  batch.targets.set([5, 2, 9 - i, 3])
  batch.weights.fill(1)
  batch.carry.fill(1)
  return batch
})
const update = async (number: number): Promise<number> => (await backend.update(batches, 1e-2, number)).loss

const losses = [await update(1), await update(2)]
const second = backend.read()
const evaluated = await backend.evaluate(batches)
await update(3)
backend.undo()
const undone = backend.read()
await update(3)
backend.write(second)
losses.push(await update(3))
const changed = [...second].filter(([name, { data }]) => String(data) !== String(undone.get(name)!.data))
const sums = [...backend.read()].map(([name, { data }]) => [name, Array.from(data, Number).reduce((a, b) => a + b, 0)])
const found = { losses, evaluated, undone: changed.length === 0, sums: Object.fromEntries(sums) as unknown }
process.stdout.write(`${JSON.stringify(found)}\n`)
backend.close()
