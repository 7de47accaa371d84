import { expect, test } from 'vitest'
import { createModel } from '../../../models/registry.ts'
import { flatten } from '../../../models/spec.ts'
import { withFrozenState } from '../../../trainer/evaluate/ablation.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { fitting } from '../../../trainer/export/weights.ts'
import { openModel, randomIds, randomWeights } from '../../support/decoders.ts'

const CONV = 4
const model = createModel('delta', {
  vocab: 23,
  width: 16,
  layers: 'd',
  memoryHeads: 2,
  keys: 8,
  values: 8,
  hidden: 24,
})
const shapes = flatten(model.state).map(([name, { shape }]) => ({ name, shape }))
const ids = randomIds(23, 20, 1)
const other = [22 - ids[0]!, ...ids.slice(1)]
const rsm = { vocab: 23, width: 16, heads: 2, layers: 2, slots: 3, chunk: 4, cadence: 2 }
const logits = (step: { logits: { data: unknown } }): Float32Array => step.logits.data as Float32Array

test('with a memory that is never written, a token is forgotten when the convolution has passed it', async () => {
  const whole = await openModel(model, 'fused')
  const frozen = withFrozenState(whole, shapes, 'memory$')
  const after = 23 * CONV
  const [a, b] = await Promise.all([ids, other].map((row) => frozen.run([row], frozen.start(1))))
  expectSameBits(logits(a!).subarray(after), logits(b!).subarray(after))
  expect([...(a!.state['blocks.0.delta.memory']!.data as Float32Array)].every((x) => x === 0)).toBe(true)
  const [c, d] = await Promise.all([ids, other].map((row) => whole.run([row], whole.start(1))))
  expect(logits(c!).subarray(after)).not.toEqual(logits(d!).subarray(after))
  // What a token itself writes it may read: before the memory matters both are the same
  expectClose(logits(a!).subarray(0, 23), logits(c!).subarray(0, 23), { absolute: 1e-5 })
  whole.close()
})

test('a part that is switched off leaves its weights unused; a larger one is refused', async () => {
  const whole = createModel('rsm', rsm)
  const weights = randomWeights(whole)
  const without = createModel('rsm', { ...rsm, sync: false })
  const fewer = fitting(without, weights, { sync: false })
  expect([...weights.keys()].filter((path) => !fewer.has(path)).every((path) => path.startsWith('sync'))).toBe(true)
  const [a, b] = [await openModel(whole, 'fused', weights), await openModel(without, 'fused', fewer)]
  const [on, off] = [await a.run([ids], a.start(1)), await b.run([ids], b.start(1))]
  // The first sync is at the end of the second chunk
  const before = 8 * 23
  expectClose(logits(off).subarray(0, before), logits(on).subarray(0, before), { absolute: 1e-5 })
  expect(logits(off).subarray(before)).not.toEqual(logits(on).subarray(before))
  for (const decoder of [a, b]) decoder.close()
  expect(() => fitting(createModel('rsm', { ...rsm, slots: 5 }), weights, { slots: 5 })).toThrow(
    'rsm: with {"slots":5} start has 80 numbers, the checkpoint has 48; train a model with these options instead',
  )
})

test('rows, and logits from a position on, come as from the decoder itself', async () => {
  const whole = await openModel(model, 'fused')
  const frozen = withFrozenState(whole, shapes, 'filled')
  const rows = [ids, other]
  for (const from of [0, 7, -2, 20]) {
    const [a, b] = [await frozen.run(rows, frozen.start(2), from), await whole.run(rows, whole.start(2), from)]
    expect(a.logits.dims).toEqual(b.logits.dims)
    expect(a.hidden.dims).toEqual(b.hidden.dims)
    expectClose(logits(a), logits(b), { absolute: 1e-5 })
  }
  whole.close()
})
