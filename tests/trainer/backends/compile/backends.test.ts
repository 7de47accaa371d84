import { describe, expect, test } from 'vitest'
import type { Model } from '../../../../models/architecture.ts'
import { createModel } from '../../../../models/registry.ts'
import { flatten } from '../../../../models/spec.ts'
import type { BackendOptions } from '../../../../trainer/backends/backend.ts'
import { createCompiledBackend } from '../../../../trainer/backends/compile/backend.ts'
import { compileGradients } from '../../../../trainer/backends/compile/step.ts'
import { type Batch, emptyBatch } from '../../../../trainer/data/batch.ts'
import { Random } from '../../../../trainer/random.ts'
import { createTensorFlowBackend } from '../../../../trainer/backends/tensorflow/backend.ts'
import { eagerLoss } from '../../../../trainer/backends/tensorflow/eager-loss.ts'
import { loadTensorFlow } from '../../../../trainer/backends/tensorflow/load.ts'
import { createTensor } from '../../../../runtime/tensor.ts'
import { trainable } from '../../../models/configurations.ts'
import { expectClose, expectSameBits } from '../../../support/all-close.ts'
import { randomWeights } from '../../../support/decoders.ts'
import { runOnnx } from '../../../support/run-onnx.ts'
import { backendOptions } from '../../../support/backend-options.ts'

const BATCH = 3

const optionsFor = (model: Model, time: number, more: Partial<BackendOptions> = {}): BackendOptions =>
  backendOptions(model, {
    batch: BATCH,
    sequenceLength: time,
    lrScale: (path) => (path.startsWith('embed') ? 0.5 : 1),
    ...more,
  })

/** Rows of random tokens; some targets without weight, some rows that start anew. */
function randomBatch(model: Model, time: number, seed: number): Batch {
  const random = new Random(`batch ${seed}`)
  const batch = emptyBatch(BATCH, time)
  for (let i = 0; i < BATCH * time; i++) {
    batch.ids[i] = random.int(model.vocab)
    batch.targets[i] = (batch.ids[i]! * 7 + 3) % model.vocab
    batch.weights[i] = random.pick([0, 1, 1, 3])
  }
  for (let row = 0; row < BATCH; row++) batch.carry[row] = seed === 0 || random.chance(0.3) ? 0 : 1
  return batch
}

/** Long enough for several chunks, blocks of the window, and a rest. */
const timeOf = (model: Model): number => (model.chunkLength > 1 ? 3 * model.chunkLength : 18)

describe.each(trainable)('$name', ({ model }) => {
  const time = timeOf(model)

  test('compiled gradients = TF.js gradients', async () => {
    const { tf } = await loadTensorFlow('cpu')
    const o = optionsFor(model, time)
    const weights = randomWeights(model)
    const batch = randomBatch(model, time, 0)
    const paths = flatten(model.params).map(([path, { shape, frozen }]) => ({ path, shape: shape.map(Number), frozen }))
    const state = flatten(model.state).map(([path, spec]) => ({
      path,
      shape: [BATCH, ...spec.shape.slice(1).map(Number)],
    }))
    let loss: ArrayLike<number> = []
    const expected = tf.valueAndGrads((...xs) => {
      const params = new Map(paths.map(({ path }, i) => [path, xs[i]!]))
      const zeros = new Map(state.map(({ path, shape }) => [path, tf.zeros(shape)]))
      const found = eagerLoss(tf, o, params, zeros, batch, false)
      loss = found.loss.dataSync()
      return found.objective
    })(paths.map(({ path, shape }) => tf.tensor(weights.get(path)!, shape)))

    const compiled = compileGradients(model, o)
    const given = Object.fromEntries(
      [
        ['ids', createTensor('int32', [BATCH, time], batch.ids)],
        ['targets', createTensor('int32', [BATCH, time], batch.targets)],
        ['weights', createTensor('float32', [BATCH, time], batch.weights)],
        ['carry', createTensor('float32', [BATCH, 1], batch.carry)],
        ...paths.map(({ path, shape }) => [`param.${path}`, createTensor('float32', shape, weights.get(path))]),
        ...state.map(({ path, shape }) => [`state.${path}`, createTensor('float32', shape)]),
      ].filter(([name]) => compiled.inputs.some((port) => port.name === name)),
    )
    const got = await runOnnx(compiled.bytes, given, compiled.outputs)
    expectClose(got['loss']!.data as Float32Array, loss, { what: 'loss' })
    for (const [i, { path, frozen }] of paths.entries()) {
      if (frozen) continue
      const judged = expected.grads[i]!.dataSync() as Float32Array
      const largest = judged.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-6)
      expectClose(got[`grad.${path}`]!.data as Float32Array, judged, {
        absolute: 1e-4 * largest,
        relative: 1e-3,
        what: path,
      })
    }
  })
})

describe.each(trainable.filter(({ first }) => first))('$name', ({ model }) => {
  const time = timeOf(model)

  test('twenty steps on both backends have the same losses to 1e-3', async () => {
    const backends = [
      await createCompiledBackend(optionsFor(model, time), 3),
      await createTensorFlowBackend(optionsFor(model, time), 3, 'cpu'),
    ]
    const losses: number[][] = [[], []]
    for (let step = 0; step < 20; step++)
      for (const [i, backend] of backends.entries())
        losses[i]!.push((await backend.update([randomBatch(model, time, step % 2)], 1e-3, step + 1)).loss)
    // Larger rates magnify the rounding of sums in another order: 3e-3 at this rate times three
    expectClose(losses[0]!, losses[1]!, { absolute: 1e-3, relative: 0, what: 'loss at step' })
    expect(losses[0]!.at(-2)).toBeLessThan(losses[0]![0]! - 0.02)
    for (const backend of backends) backend.close()
  })

  test('a state that is read and written into a new backend goes on bit for bit', async () => {
    const one = await createCompiledBackend(optionsFor(model, time, { accumulate: 2 }), 3)
    const batches = (number: number) => [2 * number, 2 * number + 1].map((seed) => randomBatch(model, time, seed))
    for (const number of [1, 2]) await one.update(batches(number), 1e-2, number)
    const saved = one.read()
    const other = await createCompiledBackend(optionsFor(model, time, { accumulate: 2 }), 99)
    other.write(saved)
    for (const number of [3, 4]) for (const backend of [one, other]) await backend.update(batches(number), 1e-2, number)
    const [a, b] = [one.read(), other.read()]
    for (const [name, { data }] of a) expectSameBits(b.get(name)!.data, data, name)
    one.close()
    other.close()
  })
})

test('dropout draws the same masks on both backends, and none in evaluation', async () => {
  const model = createModel('vanilla', {
    vocab: 23,
    width: 16,
    heads: 2,
    hidden: 24,
    layers: 2,
    window: 6,
    dropout: 0.3,
  })
  const batch = randomBatch(model, 12, 0)
  const losses: number[] = []
  const held: number[] = []
  for (const create of [createCompiledBackend, createTensorFlowBackend]) {
    const backend = await create(optionsFor(model, 12, { random: new Random('masks') }), 3)
    held.push(await backend.evaluate([batch]), await backend.evaluate([batch]))
    losses.push((await backend.update([batch], 1e-2, 1)).loss)
    backend.close()
  }
  expectClose([losses[0]!], [losses[1]!], { absolute: 1e-4 })
  expectClose(
    held,
    held.map(() => held[0]!),
    { absolute: 1e-5 },
  )
  expect(Math.abs(losses[0]! - held[0]!)).toBeGreaterThan(1e-3)
})
