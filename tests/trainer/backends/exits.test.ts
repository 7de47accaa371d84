/** Early exits as an option of every architecture: what is trained, on the compiled backend and on TF.js. */
import { describe, expect, test } from 'vitest'
import type { Model } from '../../../models/architecture.ts'
import { createModel } from '../../../models/registry.ts'
import { withComposites } from '../../../models/composites.ts'
import { fill, startShape } from '../../../models/spec.ts'
import { canCarry } from '../../../trainer/backends/carry.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { createTensorFlowBackend } from '../../../trainer/backends/tensorflow/backend.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'
import { familyConfigurations, trainable } from '../../models/configurations.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { backendOptions } from '../../support/backend-options.ts'
import { randomIds, randomWeights } from '../../support/decoders.ts'
import { loadTensorFlow, type Tensor } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'

/** Sums in another order, magnified by a few updates. */
const CLOSE = 1e-3

/** One of each architecture, and all that keep their layers in a loop over chunks. */
const models = [
  ...trainable.filter(({ first, name }) => (first && name !== 'smt') || name === 'smt that slides'),
  ...trainable.filter(({ name }) => name === 'delta with slots and a learning network'),
  ...familyConfigurations.filter(({ name }) => name === 'llama' || name === 'mamba2'),
].filter(({ model }) => model.layers > 1)

const withExits = ({ architecture, config }: Model, exits: object): Model =>
  createModel(architecture, { ...config, exits: { layers: [1], ...exits } })

function batchOf(model: Model, time: number, seed: number): Batch {
  const random = new Random(`exits ${seed}`)
  const batch = emptyBatch(2, time)
  for (let i = 0; i < batch.ids.length; i++) {
    batch.ids[i] = random.int(model.vocab)
    batch.targets[i] = random.int(model.vocab)
    batch.weights[i] = random.pick([0, 1, 2])
  }
  return batch
}

const timeOf = ({ chunkLength }: Model): number => (chunkLength > 1 ? 3 * chunkLength : 12)

async function trained(open: typeof createCompiledBackend, model: Model, updates: number, own = {}) {
  const time = timeOf(model)
  const carry = canCarry(model)
  const options = backendOptions(model, { sequenceLength: time, random: new Random('masks'), carry, ...own })
  const backend = await open(options, 3)
  const numbers: number[] = []
  const start = backend.read()
  for (let number = 1; number <= updates; number++) {
    const { loss, norm } = await backend.update([batchOf(model, time, number)], 1e-3, number)
    numbers.push(loss, norm)
  }
  const held = await backend.evaluate([batchOf(model, time, 99)])
  const { unreached } = backend
  const after = backend.read()
  backend.close()
  return { numbers, held, unreached, start, after }
}

describe.each(models)('$name', ({ model: base }) => {
  const model = withExits(base, { weight: 0.5, dropout: 0.3 })

  test('has the same losses and gradients with exits and left out layers on both backends', async () => {
    const compiled = await trained(createCompiledBackend, model, 3)
    const reference = await trained((o, seed) => createTensorFlowBackend(o, seed, 'cpu'), model, 3)
    const all = ({ numbers, held }: typeof compiled): number[] => [...numbers, held]
    expectClose(all(reference), all(compiled), { absolute: CLOSE, relative: CLOSE, what: 'losses and norms' })
    expect(compiled.unreached.filter((path) => path.startsWith('exits.'))).toEqual([])
  })

  test('is measured by its last layer alone, as it is without exits', async () => {
    const plain = await trained(createCompiledBackend, base, 0)
    const exits = await trained(createCompiledBackend, model, 0)
    expect(exits.held).toBe(plain.held)
  })

  test('gives each exit what comes out of its layer, chunk after chunk', async () => {
    const { tf } = await loadTensorFlow('cpu')
    const op = withComposites<Tensor>(eager(tf))
    const weights = randomWeights(model)
    const params = fill(model.params, (path, spec) => tf.tensor(weights.get(path)!, startShape(spec.shape, 1)))
    const state = fill(model.state, (_, spec) => tf.zeros(startShape(spec.shape, 1)))
    const ids = tf.tensor2d([randomIds(base.vocab, timeOf(base) + 1, 4)], undefined, 'int32')
    const seen: Tensor[] = []
    const layerHook = (x: Tensor, index: number): Tensor => {
      if (index === 0) seen.push(x)
      return x
    }
    base.forward<Tensor>({ ...op, layerHook }, params, ids, state)
    const expected = model.exits!.hidden<Tensor>(op, params, 0, tf.concat(seen, 1))
    const done = model.exits!.forward<Tensor>(op, params, ids, state)
    expectSameBits(done.exits[0]!.dataSync<'float32'>(), expected.dataSync<'float32'>(), 'hidden of the exit')
  })
})

test('a frozen model keeps its weights, and the norms of its exits learn', async () => {
  const base = createModel('delta', { vocab: 23, width: 16, heads: 2, hidden: 24, layers: 'adad', keys: 8, values: 8 })
  const model = withExits(base, { layers: [1, 3], frozen: true })
  const { start, after } = await trained(createCompiledBackend, model, 2)
  const bytes = ({ data }: { data: ArrayBufferView }): Buffer =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const moved = [...after].filter(
    ([name, tensor]) => name.startsWith('param.') && Buffer.compare(bytes(tensor), bytes(start.get(name)!)) !== 0,
  )
  expect(moved.map(([name]) => name)).toEqual(['param.exits.0.norm', 'param.exits.1.norm'])
})

test.each([
  [
    { layers: [4] },
    'vanilla.exits.layers: expected different numbers from 1 to 3 (the last of 4 layers is no exit), got 4',
  ],
  [
    { layers: [1, 1] },
    'vanilla.exits.layers: expected different numbers from 1 to 3 (the last of 4 layers is no exit), got 1',
  ],
  [{ weight: 1 }, 'vanilla.exits.layers: expected layers, got none'],
  [{ layers: [1], rate: 1 }, 'vanilla.exits.rate: no such option; there are layers, weight, dropout, frozen'],
])('exits %j are refused in one sentence', (exits, message) => {
  expect(() => createModel('vanilla', { exits })).toThrow(message)
})

test('a model whose layers are not called one by one has no exits', () => {
  expect(() => createModel('smt', { exits: { layers: [1] } })).toThrow(
    'smt.exits: expected at least 2 layers to leave between, this model has 0',
  )
})
