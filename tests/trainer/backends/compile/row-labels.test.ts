/** Models that give a label to each row: the critic's encoder. */
import { describe, expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import { flatten } from '../../../../models/spec.ts'
import { createTensor } from '../../../../runtime/tensor.ts'
import { compileGradients, compileLoss } from '../../../../trainer/backends/compile/step.ts'
import { eagerLoss } from '../../../../trainer/backends/tensorflow/eager-loss.ts'
import { loadTensorFlow } from '../../../../trainer/backends/tensorflow/load.ts'
import type { Batch } from '../../../../trainer/data/batch.ts'
import { Random } from '../../../../trainer/random.ts'
import { expectClose } from '../../../support/all-close.ts'
import { backendOptions } from '../../../support/backend-options.ts'
import { randomWeights } from '../../../support/decoders.ts'
import { runOnnx } from '../../../support/run-onnx.ts'

const [ROWS, TIME, SEPARATOR] = [5, 9, 3]
const model = createModel('critic', { vocab: 23, width: 16, layers: 2, heads: 2, hidden: 24, maxTokens: 16 })
const options = backendOptions(model, { batch: ROWS, sequenceLength: TIME, carry: false })

/** Pairs of different lengths whose second text has tokens of the first one. */
function batchOf(time: number): Batch {
  const random = new Random('pairs')
  const ids = new Int32Array(ROWS * time)
  for (let row = 0; row < ROWS; row++) {
    const first = Array.from({ length: 2 + (row % 3) }, () => 4 + random.int(model.vocab - 4))
    ids.set([...first, SEPARATOR, first[1]!, 4 + random.int(model.vocab - 4), first[0]!], row * time)
  }
  const targets = Int32Array.from({ length: ROWS }, (_, row) => row % 3)
  return { ids, targets, weights: new Float32Array(ROWS).fill(1), carry: new Float32Array(ROWS) }
}

function inputsOf({ ids, targets, weights }: Batch, params: ReadonlyMap<string, Float32Array>) {
  const tensor = (dtype: 'int32' | 'float32', dims: number[], data: ArrayLike<number>) => {
    const made = createTensor(dtype, dims)
    made.data.set(data)
    return made
  }
  return {
    ids: tensor('int32', [ROWS, ids.length / ROWS], ids),
    targets: tensor('int32', [ROWS], targets),
    weights: tensor('float32', [ROWS], weights),
    ...Object.fromEntries(
      flatten(model.params).map(([path, { shape }]) => [
        `param.${path}`,
        tensor('float32', shape.map(Number), params.get(path)!),
      ]),
    ),
  }
}

describe('pairs of texts with a label each', () => {
  test('compiled loss and gradients = those of TF.js', async () => {
    const { tf } = await loadTensorFlow('cpu')
    const weights = randomWeights(model)
    const batch = batchOf(TIME)
    const paths = flatten(model.params).map(([path, { shape }]) => ({ path, shape: shape.map(Number) }))
    const { value, grads } = tf.valueAndGrads((...xs) => {
      return eagerLoss(tf, options, new Map(paths.map(({ path }, i) => [path, xs[i]!])), new Map(), batch, true)
        .objective
    })(paths.map(({ path, shape }) => tf.tensor(weights.get(path)!, shape)))
    const compiled = compileGradients(model, options)
    const found = await runOnnx(compiled.bytes, inputsOf(batch, weights), compiled.outputs)
    expectClose(found['loss']!.data as Float32Array, value.dataSync(), { absolute: 1e-5 })
    for (const [i, { path }] of paths.entries())
      expectClose(found[`grad.${path}`]!.data as Float32Array, grads[i]!.dataSync(), { absolute: 2e-4, relative: 1e-3 })
    expect(compiled.unreached).toEqual([])
  })

  test('padding changes no label', async () => {
    const weights = randomWeights(model)
    const lossAt = async (time: number): Promise<Float32Array> => {
      const { bytes, outputs } = compileLoss(model, { ...options, sequenceLength: time })
      return (await runOnnx(bytes, inputsOf(batchOf(time), weights), outputs))['loss']!.data as Float32Array
    }
    expectClose(await lossAt(TIME + 4), await lossAt(TIME), { absolute: 1e-5 })
  })

  test('labels of single tokens are refused', () => {
    expect(() => compileLoss(model, { ...options, maxLabels: 4 })).toThrow(
      'maxLabels: expected 0 where rows are texts, which have one label each; got 4',
    )
  })
})
