import { describe, expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import { flatten } from '../../../../models/spec.ts'
import { createTensor } from '../../../../runtime/tensor.ts'
import { createCompiledBackend } from '../../../../trainer/backends/compile/backend.ts'
import { createParallelBackend } from '../../../../trainer/backends/compile/parallel.ts'
import { compileGradients, compileLoss } from '../../../../trainer/backends/compile/step.ts'
import type { Batch } from '../../../../trainer/data/batch.ts'
import { eagerLoss } from '../../../../trainer/backends/tensorflow/eager-loss.ts'
import { loadTensorFlow } from '../../../../trainer/backends/tensorflow/load.ts'
import { Random } from '../../../../trainer/random.ts'
import { expectClose } from '../../../support/all-close.ts'
import { backendOptions } from '../../../support/backend-options.ts'
import { randomWeights } from '../../../support/decoders.ts'
import { runOnnx } from '../../../support/run-onnx.ts'

const [GROUPS, GROUP, TIME, WIDTH] = [4, 3, 7, 16]
const model = createModel('sentence', { vocab: 29, width: WIDTH, layers: 2, heads: 2, hidden: 24, maxTokens: 16 })
const options = backendOptions(model, { batch: GROUPS * GROUP, sequenceLength: TIME, carry: false })

/** Texts of different lengths; the last group is taught and has no label. */
function batchOf(seed: number): Batch & { vectors: Float32Array } {
  const random = new Random(`contrast ${seed}`)
  const rows = GROUPS * GROUP
  const ids = new Int32Array(rows * TIME)
  for (let row = 0; row < rows; row++)
    for (let t = 0; t < 3 + (row % 5); t++) ids[row * TIME + t] = 1 + random.int(model.vocab - 1)
  const vectors = new Float32Array(rows * WIDTH)
  for (let row = rows - GROUP; row < rows; row++) vectors[row * WIDTH + (row % WIDTH)] = 1
  const targets = Int32Array.from({ length: GROUPS }, (_, group) => group * (GROUP - 1))
  const weights = Float32Array.from({ length: GROUPS }, (_, group) => (group === GROUPS - 1 ? 0 : 1))
  return { ids, targets, weights, carry: new Float32Array(rows), vectors }
}

function inputsOf(batch: Batch & { vectors: Float32Array }, weights: ReadonlyMap<string, Float32Array>) {
  const tensors = [
    ['ids', 'int32', [GROUPS * GROUP, TIME], batch.ids],
    ['targets', 'int32', [GROUPS], batch.targets],
    ['weights', 'float32', [GROUPS], batch.weights],
    ['vectors', 'float32', [GROUPS * GROUP, WIDTH], batch.vectors],
  ] as const
  const given = tensors.map(([name, dtype, dims, data]) => {
    const tensor = createTensor(dtype, dims)
    tensor.data.set(data)
    return [name, tensor] as const
  })
  const params = flatten(model.params).map(([path, { shape }]) => {
    const tensor = createTensor('float32', shape.map(Number))
    tensor.data.set(weights.get(path)!)
    return [`param.${path}`, tensor] as const
  })
  return Object.fromEntries([...given, ...params])
}

describe('texts that are compared', () => {
  test('compiled loss and gradients = those of TF.js, of compared and of taught rows', async () => {
    const { tf } = await loadTensorFlow('cpu')
    const weights = randomWeights(model)
    const batch = batchOf(1)
    const paths = flatten(model.params).map(([path, { shape }]) => ({ path, shape: shape.map(Number) }))
    let loss: ArrayLike<number> = []
    const { value, grads } = tf.valueAndGrads((...xs) => {
      const params = new Map(paths.map(({ path }, i) => [path, xs[i]!]))
      const found = eagerLoss(tf, options, params, new Map(), batch, true)
      loss = found.loss.dataSync()
      return found.objective
    })(paths.map(({ path, shape }) => tf.tensor(weights.get(path)!, shape)))
    const compiled = compileGradients(model, options)
    const found = await runOnnx(compiled.bytes, inputsOf(batch, weights), compiled.outputs)
    expectClose(found['loss']!.data as Float32Array, loss, { absolute: 1e-5 })
    expect(value.dataSync()[0]! - loss[0]!).toBeGreaterThan(0.1)
    for (const [i, { path }] of paths.entries())
      expectClose(found[`grad.${path}`]!.data as Float32Array, grads[i]!.dataSync(), { absolute: 2e-4, relative: 1e-3 })
    expect(compiled.unreached).toEqual([])
  })

  test('a text scores the same whatever padding and other rows stand beside it', async () => {
    const weights = randomWeights(model)
    const wide = { ...options, sequenceLength: TIME + 4 }
    const batch = batchOf(2)
    const padded = new Int32Array(GROUPS * GROUP * (TIME + 4))
    for (let row = 0; row < GROUPS * GROUP; row++)
      padded.set(batch.ids.subarray(row * TIME, (row + 1) * TIME), row * (TIME + 4))
    const ids = createTensor('int32', [GROUPS * GROUP, TIME + 4])
    ids.data.set(padded)
    const { vectors: _, ...given } = inputsOf(batch, weights)
    const lossOf = async (o: typeof options, inputs: typeof given) => {
      const { bytes, outputs } = compileLoss(model, o)
      return (await runOnnx(bytes, inputs, outputs))['loss']!.data as Float32Array
    }
    const narrow = await lossOf(options, given)
    const other = await lossOf(wide, { ...given, ids })
    expectClose(other, narrow, { absolute: 1e-5 })
  })

  test('training finds the answers of a batch and the vectors that it is taught', async () => {
    const backend = await createCompiledBackend({ ...options, random: new Random(1) }, 3)
    const batch = batchOf(3)
    const first = await backend.evaluate([batch])
    for (let step = 1; step <= 60; step++) await backend.update([batch], 1e-2, step)
    expect(first).toBeGreaterThan(1)
    expect(await backend.evaluate([batch])).toBeLessThan(0.1)
    backend.close()
  })

  test.each([
    [{ batch: 10 }, 'batch: expected a multiple of the 3 rows of a group, got 10'],
    [{ maxLabels: 8 }, 'maxLabels: expected 0 where rows are texts, which have one label each; got 8'],
  ])('%j is refused', (own, sentence) => {
    expect(() => compileLoss(model, { ...options, ...own })).toThrow(sentence)
  })

  test('several devices are refused: all texts of a batch are compared', async () => {
    const cpu = { device: 'cpu', id: 0 } as const
    await expect(createParallelBackend(options, [cpu, cpu], 1)).rejects.toThrow(
      'device: expected one for sentence, got 2: all texts of a batch are compared',
    )
  })
})
