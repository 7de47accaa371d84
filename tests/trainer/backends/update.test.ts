import { describe, expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import type { Backend, BackendOptions } from '../../../trainer/backends/backend.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { createParallelBackend } from '../../../trainer/backends/compile/parallel.ts'
import { createTensorFlowBackend } from '../../../trainer/backends/tensorflow/backend.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { backendOptions } from '../../support/backend-options.ts'

const TIME = 12
const cpu = { device: 'cpu', id: 0 } as const
const model = createModel('delta', {
  vocab: 23,
  width: 16,
  layers: 'ad',
  heads: 2,
  hidden: 24,
  window: 6,
  memoryHeads: 2,
  keys: 8,
  values: 8,
})

/** Four rows; those from the second on have few weighted tokens, of large weight. */
const rows = Array.from({ length: 4 }, (_, row) => {
  const random = new Random(`row ${row}`)
  const batch = emptyBatch(1, TIME)
  for (let t = 0; t < TIME; t++) {
    batch.ids[t] = random.int(23)
    batch.targets[t] = random.int(23)
    batch.weights[t] = row < 2 ? 1 : random.pick([0, 0, 0, 7])
  }
  return batch
})

function batchOf(...indices: number[]): Batch {
  const batch = emptyBatch(indices.length, TIME)
  for (const [at, index] of indices.entries()) {
    batch.ids.set(rows[index]!.ids, at * TIME)
    batch.targets.set(rows[index]!.targets, at * TIME)
    batch.weights.set(rows[index]!.weights, at * TIME)
  }
  return batch
}

const backends: [string, (o: BackendOptions) => Promise<Backend>][] = [
  ['compiled', (o) => createCompiledBackend(o, 3)],
  ['data parallel', (o) => createParallelBackend(o, [cpu, cpu], 3)],
  ['TF.js', (o) => createTensorFlowBackend(o, 3, 'cpu')],
]

describe.each(backends)('%s', (_, open) => {
  test('two batches of different weight make the update of one batch of all their rows', async () => {
    const apart = await open(backendOptions(model, { batch: 2, accumulate: 2, carry: false }))
    const together = await open(backendOptions(model, { batch: 4, accumulate: 1, carry: false }))
    for (const number of [1, 2, 3]) {
      const got = await apart.update([batchOf(0, 1), batchOf(2, 3)], 1e-3, number)
      const expected = await together.update([batchOf(0, 1, 2, 3)], 1e-3, number)
      expectClose([got.loss, got.norm], [expected.loss, expected.norm], {
        absolute: 1e-4,
        relative: 1e-4,
        what: `loss and norm ${number}`,
      })
    }
    const expected = together.read()
    for (const [name, { data }] of apart.read())
      if (name.startsWith('param.'))
        expectClose(data as Float32Array, expected.get(name)!.data as Float32Array, { absolute: 1e-4, what: name })
    apart.close()
    together.close()
  })

  test('an update that is taken back was never there: parameters, moments and carried state', async () => {
    const backend = await open(backendOptions(model, { batch: 2, accumulate: 3 }))
    const batches = [batchOf(0, 1), batchOf(2, 3), batchOf(1, 2)]
    for (const batch of batches) batch.carry.fill(1)
    await backend.update(batches, 1e-2, 1)
    const before = backend.read()
    await backend.update(batches.toReversed(), 1e-2, 2)
    expect(backend.read().get('state.filled')!.data).toBeDefined()
    backend.undo()
    const after = backend.read()
    expect([...after.keys()]).toEqual([...before.keys()])
    for (const [name, { data }] of after) expectSameBits(data, before.get(name)!.data, name)
    const again = await backend.update(batches, 1e-2, 2)
    backend.undo()
    expect(await backend.update(batches, 1e-2, 2), 'the same again').toEqual(again)
    backend.close()
  })

  test('another number of batches than `accumulate`, and more weighted tokens than labels, are refused', async () => {
    const backend = await open(backendOptions(model, { batch: 2, accumulate: 2, maxLabels: 20 }))
    await expect(backend.update([batchOf(0, 1)], 1e-2, 1)).rejects.toThrow('update: expected 2 batches')
    const before = backend.read()
    await expect(backend.update([batchOf(2, 3), batchOf(0, 1)], 1e-2, 1)).rejects.toThrow(
      'maxLabels: expected at most 20 weighted tokens in a batch, got 24',
    )
    for (const [name, { data }] of backend.read()) expectSameBits(data, before.get(name)!.data, name)
    await expect(backend.evaluate([batchOf(0, 1)])).rejects.toThrow('maxLabels: expected at most 20')
    backend.close()
  })
})

test('a state that is not finite ends with its row', async () => {
  for (const [name, open] of backends.filter(([name]) => name !== 'data parallel')) {
    const backend = await open(backendOptions(model, { batch: 2 }))
    const state = backend.read()
    const memory = [...state].find(([path]) => path.endsWith('memory'))![1].data as Float32Array
    memory.fill(NaN, 0, memory.length / 2)
    backend.write(state)
    const batch = batchOf(0, 1)
    batch.carry.set([0, 1])
    expect((await backend.update([batch], 1e-3, 1)).loss, name).toBeGreaterThan(0)
    backend.close()
  }
})
