import { expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import { flatten } from '../../../../models/spec.ts'
import { createTensor, type Tensor } from '../../../../runtime/tensor.ts'
import { createCompiledBackend } from '../../../../trainer/backends/compile/backend.ts'
import { compileGradients } from '../../../../trainer/backends/compile/step.ts'
import { createTensorFlowBackend } from '../../../../trainer/backends/tensorflow/backend.ts'
import { recipeWith } from '../../../../trainer/recipes/settings.ts'
import { randomIds, randomWeights } from '../../../support/decoders.ts'
import { runOnnx } from '../../../support/run-onnx.ts'
import { backendOptions } from '../../../support/backend-options.ts'

const model = createModel('delta', {
  vocab: 23,
  width: 16,
  layers: 'ad',
  heads: 2,
  window: 6,
  memoryHeads: 2,
  keys: 8,
  values: 8,
  hidden: 24,
})
const rows = { batch: 1, sequenceLength: 12, carry: false, maxLabels: 0 } as const

async function run(precision: 'float32' | 'float16') {
  const compiled = compileGradients(model, { ...rows, precision })
  const weights = randomWeights(model)
  const given: [string, Tensor][] = [
    ['ids', createTensor('int32', [1, 12], randomIds(23, 12, 1))],
    ['targets', createTensor('int32', [1, 12], randomIds(23, 12, 2))],
    [
      'weights',
      createTensor(
        'float32',
        [1, 12],
        Array.from({ length: 12 }, () => 1),
      ),
    ],
    ...flatten(model.params).map(([path, spec]): [string, Tensor] => [
      `param.${path}`,
      createTensor('float32', spec.shape.map(Number), weights.get(path)),
    ]),
  ]
  const named = new Set(compiled.inputs.map(({ name }) => name))
  const inputs = Object.fromEntries(given.filter(([name]) => named.has(name)))
  const { loss } = await runOnnx(compiled.bytes, inputs, compiled.outputs)
  return { nodes: compiled.nodes, loss: loss!.data[0] as number }
}

test('with half precision, both sides of each product are rounded and its result comes back', async () => {
  const [whole, half] = [await run('float32'), await run('float16')]
  const casts = half.nodes - whole.nodes
  expect(casts).toBeGreaterThan(3 * 30)
  expect(casts % 3).toBe(0)
  // Where ONNX Runtime has no such kernel it computes in float32: a valid graph, with a loss that differs by rounding at most
  expect(Math.abs(half.loss - whole.loss)).toBeLessThan(1e-2)
})

test('a device that always adds in one order refuses not to', async () => {
  const options = backendOptions(model, { ...rows, deterministic: false })
  await expect(createCompiledBackend(options, 1)).rejects.toThrow('deterministic: false needs --device cuda; on cpu')
  await expect(createTensorFlowBackend(options, 1)).rejects.toThrow('deterministic: false needs the compiled backend')
})

test('a device without fast half precision refuses it', async () => {
  const options = backendOptions(model, { ...rows, precision: 'bfloat16' })
  await expect(createCompiledBackend(options, 1)).rejects.toThrow(
    'precision: bfloat16 needs --device cuda; on cpu ONNX Runtime has no faster matrix products',
  )
  expect(() => recipeWith('delta', ['precision=int8'])).toThrow(
    'precision: expected one of float32, tf32, bfloat16, got "int8"',
  )
})
