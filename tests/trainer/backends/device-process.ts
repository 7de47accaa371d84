/**
 * Training steps of a very small model on the device and in the precision of the arguments, one of them undone and its state put
 * back by write(); prints what they leave behind as JSON.
 */
import { createModel } from '../../../models/registry.ts'
import type { Device } from '../../../runtime/device.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import type { Precision } from '../../../trainer/backends/compile/emit.ts'
import { emptyBatch } from '../../../trainer/data/batch.ts'
import { backendOptions } from '../../support/backend-options.ts'

const model = createModel('vanilla', { vocab: 11, width: 8, heads: 2, hidden: 8, layers: 1, window: 4 })
const [device, precision = 'float32'] = process.argv.slice(2) as [Device, Precision?]
const backend = await createCompiledBackend(backendOptions(model, { batch: 1, time: 4, device, precision }), 3)
const batch = emptyBatch(1, 4)
batch.ids.set([1, 5, 2, 9])
batch.targets.set([5, 2, 9, 3])
batch.weights.fill(1)
batch.carry.fill(1)
const step = async (update: number): Promise<number> => (await backend.step(batch, 1e-2, update, true)).loss

const losses = [await step(1), await step(2)]
const second = backend.read()
const evaluated = await backend.evaluate([batch])
await step(3)
backend.undo()
const undone = backend.read()
await step(3)
backend.write(second)
losses.push(await step(3))
const changed = [...second].filter(([name, { data }]) => String(data) !== String(undone.get(name)!.data))
const sums = [...backend.read()].map(([name, { data }]) => [name, Array.from(data, Number).reduce((a, b) => a + b, 0)])
const found = { losses, evaluated, undone: changed.length === 0, sums: Object.fromEntries(sums) as unknown }
process.stdout.write(`${JSON.stringify(found)}\n`)
backend.close()
