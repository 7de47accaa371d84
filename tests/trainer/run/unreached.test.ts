/** Which parameters are not trained is said before training, and found after it. */
import { describe, expect, test } from 'vitest'
import type { Model } from '../../../models/architecture.ts'
import { neverMoved } from '../../../trainer/backends/backend.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { createTensorFlowBackend } from '../../../trainer/backends/tensorflow/backend.ts'
import { emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'
import { knownRecipe } from '../../../trainer/recipes/settings.ts'
import { joined, neverMovedNotes, unreachedNotes } from '../../../trainer/run/unreached.ts'
import { trainable } from '../../models/configurations.ts'
import { adamW, backendOptions } from '../../support/backend-options.ts'

function batchOf(model: Model, time: number) {
  const random = new Random('unreached')
  const batch = emptyBatch(2, time)
  for (let i = 0; i < batch.ids.length; i++) {
    batch.ids[i] = random.int(model.vocab)
    batch.targets[i] = random.int(model.vocab)
    batch.weights[i] = 1
  }
  return batch
}

/** What a backend says before training, and what two updates have not moved. */
async function unmoved(model: Model, time: number, bits: 8 | 32, open = createCompiledBackend) {
  const options = backendOptions(model, { sequenceLength: time, optimizer: { ...adamW, bits } })
  const backend = await open(options, 3)
  for (const number of [1, 2]) await backend.update([batchOf(model, time)], 1e-3, number)
  const found = { before: backend.unreached, after: neverMoved(backend.read()) }
  backend.close()
  return found
}

const written: Readonly<Record<string, RegExp>> = {
  rsm: /^blocks\.\d\.(pool|write)\./,
  nmt: /^blocks\.\d\.memory\.write\./,
  'delta with slots and a learning network': /^blocks\.\d\.(slots\.(pool|write)|network\.memory\.write)\./,
}

describe.each(trainable.filter(({ name }) => Object.hasOwn(written, name)))('$name', ({ name, model }) => {
  test('with rows of one chunk, the writers of its memory are named, and nothing else', async () => {
    const { before, after } = await unmoved(model, model.chunkLength, 32)
    expect(before.filter((path) => written[name]!.test(path)).length).toBeGreaterThan(2)
    expect(before.filter((path) => !written[name]!.test(path) && !path.startsWith('sync'))).toEqual([])
    expect(after.toSorted()).toEqual(before.toSorted())
    const eightBits = await unmoved(model, model.chunkLength, 8)
    expect(eightBits.after.toSorted()).toEqual(before.toSorted())
    const reference = await unmoved(model, model.chunkLength, 32, createTensorFlowBackend)
    expect([reference.before, reference.after.toSorted()]).toEqual([before, before.toSorted()])
  })

  test('with rows of several chunks, all of them are trained', async () => {
    const { before, after } = await unmoved(model, 3 * model.chunkLength, 32)
    expect(before.filter((path) => written[name]!.test(path))).toEqual([])
    expect(after.filter((path) => written[name]!.test(path))).toEqual([])
  })
})

test('the note names them in short, says why, and what to do', () => {
  const { model } = trainable.find(({ name }) => name === 'rsm')!
  const paths = ['blocks.0.write.take', 'blocks.1.write.take', 'sync.key']
  const recipe = { ...knownRecipe('rsm'), sequenceLength: 5 }
  expect(unreachedNotes(paths, recipe, model)).toEqual([
    'sequenceLength=5 is one chunk, and what is written at its end is read in the next: ' +
      'blocks.{0,1}.write.take, sync.key get no gradient; take at least 10',
  ])
  expect(unreachedNotes(['sync.key'], { ...recipe, sequenceLength: 10 }, model)).toEqual([
    'the loss does not depend on all parameters: sync.key gets no gradient',
  ])
  expect(unreachedNotes([], recipe, model)).toEqual([])
  expect(neverMovedNotes(['sync.key'])).toEqual(['the gradient was exactly zero in all updates: sync.key'])
  expect(joined(['a.0.b.1', 'a.0.b.2', 'c'])).toBe('a.0.b.1, a.0.b.2, c')
})
