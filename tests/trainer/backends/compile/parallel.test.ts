import { describe, expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import type { Model } from '../../../../models/architecture.ts'
import { createCompiledBackend } from '../../../../trainer/backends/compile/backend.ts'
import { createParallelBackend } from '../../../../trainer/backends/compile/parallel.ts'
import { type Batch, emptyBatch } from '../../../../trainer/data/batch.ts'
import { Random } from '../../../../trainer/random.ts'
import { configurations } from '../../../models/configurations.ts'
import { expectClose, expectSameBits } from '../../../support/all-close.ts'
import { backendOptions } from '../../../support/backend-options.ts'

const ROWS = 4
const cpu = { device: 'cpu', id: 0 } as const
const small = { vocab: 23, width: 16, memoryHeads: 2, keys: 8, values: 8, hidden: 24, heads: 2, window: 6 }
const delta = createModel('delta', { ...small, layers: 'ad' })

/** The rows differ in weight, so that the means of two shares are not the mean of all. */
function batchOf(model: Model, time: number, seed: number): Batch {
  const random = new Random(`parallel ${seed}`)
  const batch = emptyBatch(ROWS, time)
  for (let i = 0; i < ROWS * time; i++) {
    batch.ids[i] = random.int(model.vocab)
    batch.targets[i] = (batch.ids[i]! * 3 + 1) % model.vocab
    batch.weights[i] = i < 2 * time ? 1 : random.pick([0, 5])
  }
  batch.carry.fill(seed === 0 ? 0 : 1)
  return batch
}

const pairOf = (number: number): Batch[] => [2 * number - 2, 2 * number - 1].map((seed) => batchOf(delta, 12, seed))

describe.each(configurations.filter(({ first }) => first))('$name', ({ model }) => {
  test('two devices that share each batch learn what one does', async () => {
    const time = model.chunkLength > 1 ? 2 * model.chunkLength : 12
    const options = backendOptions(model, { batch: ROWS, sequenceLength: time })
    const backends = [await createCompiledBackend(options, 3), await createParallelBackend(options, [cpu, cpu], 3)]
    const results = []
    for (const backend of backends) {
      const found = []
      for (let step = 0; step < 4; step++)
        found.push(await backend.update([batchOf(model, time, step)], 1e-3, step + 1))
      results.push(
        found.flatMap(({ loss, norm }) => [loss, norm]),
        [await backend.evaluate([batchOf(model, time, 9)])],
      )
    }
    // Losses that balance experts are products of means, here of a share's rows
    const absolute = ['moc', 'hmst'].includes(model.architecture) ? 1e-2 : 1e-4
    expectClose(results[2]!, results[0]!, { absolute, relative: 1e-3, what: 'loss and norm' })
    expectClose(results[3]!, results[1]!, { absolute, relative: 1e-3, what: 'held out' })
    const [one, two] = backends.map((backend) => backend.read())
    expect([...two!.keys()].toSorted()).toEqual([...one!.keys()].toSorted())
    for (const [name, { dims }] of one!) expect(two!.get(name)!.dims, name).toEqual(dims)
    for (const backend of backends) backend.close()
  })
})

test('gradients of two batches are averaged as on one device', async () => {
  const options = backendOptions(delta, { batch: ROWS, accumulate: 2, maxLabels: 40 })
  const backends = [await createCompiledBackend(options, 3), await createParallelBackend(options, [cpu, cpu], 3)]
  const losses = []
  for (const backend of backends) {
    const found = []
    for (const number of [1, 2, 3]) found.push(await backend.update(pairOf(number), 1e-2, number))
    losses.push(found.flatMap(({ loss, norm }) => [loss, norm]))
    backend.close()
  }
  expectClose(losses[1]!, losses[0]!, { absolute: 1e-4, relative: 1e-3 })
})

test('what it saves goes on bit for bit, and what it undoes was never there', async () => {
  const options = backendOptions(delta, { batch: ROWS, accumulate: 2 })
  const one = await createParallelBackend(options, [cpu, cpu], 3)
  for (const number of [1, 2]) await one.update(pairOf(number), 1e-2, number)
  const saved = one.read()
  await one.update(pairOf(3), 1e-2, 3)
  const after = one.read()
  one.undo()
  for (const [name, { data }] of one.read()) expectSameBits(data, saved.get(name)!.data, name)
  const other = await createParallelBackend(options, [cpu, cpu], 99)
  other.write(saved)
  await other.update(pairOf(3), 1e-2, 3)
  for (const [name, { data }] of other.read()) expectSameBits(data, after.get(name)!.data, name)
  one.close()
  other.close()
})

test('what it saves continues on one device, and rows that cannot be shared are refused', async () => {
  const options = backendOptions(delta, { batch: ROWS })
  const two = await createParallelBackend(options, [cpu, cpu], 3)
  await two.update([batchOf(delta, 12, 0)], 1e-2, 1)
  const one = await createCompiledBackend(options, 9)
  one.write(two.read())
  const [next, expected] = [one, two].map((backend) => backend.update([batchOf(delta, 12, 1)], 1e-2, 2))
  expect((await next!).loss).toBeCloseTo((await expected!).loss, 5)
  one.close()
  two.close()
  await expect(createParallelBackend(options, [cpu, cpu, cpu], 3)).rejects.toThrow(
    'batch: expected a multiple of the 3 devices, got 4',
  )
})
