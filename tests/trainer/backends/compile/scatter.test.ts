import { expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import { flatten } from '../../../../models/spec.ts'
import { createTensor, type Tensor } from '../../../../runtime/tensor.ts'
import { compileGradients } from '../../../../trainer/backends/compile/step.ts'
import { expectClose } from '../../../support/all-close.ts'
import { randomWeights } from '../../../support/decoders.ts'
import { runOnnx } from '../../../support/run-onnx.ts'

const model = createModel('vanilla', { vocab: 7, width: 8, heads: 2, hidden: 8, layers: 1, window: 4 })
const IDS = [3, 3, 0, 3, 6, 0]

async function gradients(scatterByProduct: boolean) {
  const compiled = compileGradients(model, {
    batch: 1,
    sequenceLength: IDS.length,
    carry: false,
    maxLabels: 0,
    precision: 'float32',
    scatterByProduct,
  })
  const weights = randomWeights(model)
  const inputs: Record<string, Tensor> = {
    ids: createTensor('int32', [1, IDS.length], IDS),
    targets: createTensor('int32', [1, IDS.length], IDS.toReversed()),
    weights: createTensor('float32', [1, IDS.length], [1, 2, 1, 0, 1, 3]),
  }
  for (const [path, spec] of flatten(model.params))
    inputs[`param.${path}`] = createTensor('float32', spec.shape.map(Number), weights.get(path))
  const hasOneHot = Buffer.from(compiled.bytes).includes('OneHot')
  return { hasOneHot, found: await runOnnx(compiled.bytes, inputs, compiled.outputs) }
}

test('as a product with one-hot rows, the gradient of an embedding whose tokens repeat is the same', async () => {
  const [scattered, product] = [await gradients(false), await gradients(true)]
  expect([scattered.hasOneHot, product.hasOneHot]).toEqual([false, true])
  for (const [name, { data }] of Object.entries(scattered.found))
    expectClose([...(product.found[name]!.data as Float32Array)], [...(data as Float32Array)], { absolute: 1e-6 })
})
