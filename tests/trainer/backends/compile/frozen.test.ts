import { expect, test } from 'vitest'
import type { Model } from '../../../../models/architecture.ts'
import { createModel } from '../../../../models/registry.ts'
import { fill, type SpecTree } from '../../../../models/spec.ts'
import type { BackendOptions } from '../../../../trainer/backends/backend.ts'
import { createCompiledBackend } from '../../../../trainer/backends/compile/backend.ts'
import { compileGradients, compileStep } from '../../../../trainer/backends/compile/step.ts'
import { emptyBatch } from '../../../../trainer/data/batch.ts'
import { Random } from '../../../../trainer/random.ts'
import { createTensorFlowBackend } from '../../../../trainer/backends/tensorflow/backend.ts'
import { createTensor } from '../../../../runtime/tensor.ts'
import { expectClose, expectSameBits } from '../../../support/all-close.ts'
import { backendOptions } from '../../../support/backend-options.ts'

const whole = createModel('vanilla', { vocab: 23, width: 16, heads: 2, hidden: 24, layers: 2, window: 6 })
/** Only the last block moves. */
const moving = (path: string): boolean => path.startsWith('blocks.1.')
const frozen: Model = {
  ...whole,
  params: fill(whole.params, (path, spec) => (moving(path) ? spec : { ...spec, frozen: true })) as SpecTree,
}

const options = (model: Model): BackendOptions => backendOptions(model, { accumulate: 2 })

const batch = emptyBatch(2, 12)
const random = new Random('frozen')
for (let i = 0; i < batch.ids.length; i++) {
  batch.ids[i] = random.int(23)
  batch.targets[i] = random.int(23)
  batch.weights[i] = 1
}

test('frozen parameters have no gradient, no moments and no update: the step is a smaller graph', () => {
  const [all, some] = [whole, frozen].map((model) => compileStep(model, options(model)))
  expect(some!.nodes).toBeLessThan(0.7 * all!.nodes)
  const kept = (names: readonly { name: string }[], prefix: string): string[] =>
    names.map(({ name }) => name).filter((name) => name.startsWith(prefix))
  for (const prefix of ['first.', 'second.', 'total.'])
    expect(kept(some!.inputs, prefix).every((name) => moving(name.slice(prefix.length)))).toBe(true)
  expect(kept(some!.outputs, 'next.param.')).toHaveLength(6)
  expect(kept(some!.inputs, 'param.')).toHaveLength(kept(all!.inputs, 'param.').length)
  expect(kept(compileGradients(frozen, options(frozen)).outputs, 'grad.')).toHaveLength(6)
})

test('frozen parameters stay as they are on both backends, are read and written, and the losses agree', async () => {
  const backends = [
    await createCompiledBackend(options(frozen), 3),
    await createTensorFlowBackend(options(frozen), 3, 'cpu'),
  ]
  const losses: number[][] = [[], []]
  for (const [i, backend] of backends.entries()) {
    const before = backend.read()
    expect([...before.keys()].filter((name) => name.startsWith('param.'))).toHaveLength(14)
    const doubled = (before.get('param.embed')!.data as Float32Array).map((x) => 2 * x)
    before.set('param.embed', createTensor('float32', [23, 16], doubled))
    backend.write(before)
    for (let number = 1; number <= 4; number++)
      losses[i]!.push((await backend.update([batch, batch], 1e-2, number)).loss)
    const after = backend.read()
    expect(after.size).toBe(before.size)
    for (const [name, { data }] of before) {
      const path = name.replace('param.', '')
      if (!name.startsWith('param.')) continue
      if (moving(path)) expect(after.get(name)!.data).not.toEqual(data)
      else expectSameBits(after.get(name)!.data, data, name)
    }
    losses[i]!.push(await backend.evaluate([batch]))
    backend.close()
  }
  expectClose(losses[0]!, losses[1]!, { absolute: 1e-4 })
  expect(losses[0]![3]).toBeLessThan(losses[0]![0]!)
})
