import { beforeAll, describe, expect, test } from 'vitest'
import { decoderGraph } from '../../../exporter/decoder.ts'
import { ConfigError } from '../../../models/config.ts'
import { createModel } from '../../../models/registry.ts'
import { flatten } from '../../../models/spec.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { loadTensorFlow, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { expectClose } from '../../support/all-close.ts'
import { openModel, randomIds, randomWeights } from '../../support/decoders.ts'
import { eagerGradients } from '../../support/gradients.ts'
import { changes, leaks, mean } from '../../support/leak.ts'

const CHUNK = 5
const options = { vocab: 23, width: 16, heads: 2, layers: 2, slots: 3, chunk: CHUNK, cadence: 2 }
const ids = randomIds(23, 4 * CHUNK, 1)

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

describe('read: seed', () => {
  const seed = createModel('rsm', { ...options, read: 'seed' })
  const places = [1, 4, 7, 9, 12, 13]

  test('lets a token change the logits before it in its chunk, by a hundredth of what it does to its own or more', () => {
    expect(mean(leaks(tf, seed, ids, places))).toBeGreaterThan(0.01) // measured: npx tsx tests/bench/causality.ts
  })

  test('leaks within the chunk only', () => {
    for (const [i, changed] of changes(tf, seed, ids, places).entries()) {
      const first = Math.floor(places[i]! / CHUNK) * CHUNK
      expect(changed.slice(0, first), `chunks before the one of ${places[i]}`).toEqual(Array(first).fill(0))
    }
  })

  test('is what leaks: with previous_chunk no token changes anything before it', () => {
    expect(mean(leaks(tf, createModel('rsm', options), ids, places))).toBe(0)
  })

  test('is refused by the exporter in one sentence', () => {
    expect(() => decoderGraph(seed, randomWeights(seed), 'fused')).toThrow(
      /^rsm: read: expected previous_chunk; with seed .* unknown$/,
    )
  })

  test('has one memory for all layers, or none', () => {
    expect(() => createModel('rsm', { ...options, read: 'seed', memory: 'layer' })).toThrow(ConfigError)
  })
})

test('the global sync is trained: a loss after it reaches all of its weights', () => {
  const model = createModel('rsm', { ...options, layers: 1 })
  const gradients = eagerGradients(tf, model, randomWeights(model), ids)
  const names = flatten(model.params).flatMap(([path]) => (path.startsWith('sync') ? [path] : []))
  expect(names.length).toBe(7)
  for (const name of names) {
    // A softmax does not see what is added to all of its keys, so a gain alone may have small derivatives
    expect(Math.max(...gradients.get(name)!.map(Math.abs)), name).toBeGreaterThan(1e-7)
  }
})

test('without a sync there is nothing of it to train', () => {
  const model = createModel('rsm', { ...options, sync: false })
  expect(flatten(model.params).filter(([path]) => path.startsWith('sync'))).toEqual([])
})

test('the write starts with the transition 0.9 I', () => {
  const keep = initialise(createModel('rsm', options).params, 1).get('blocks.1.write.keep')!
  expectClose(
    keep,
    Array.from({ length: 256 }, (_, i) => (i % 17 === 0 ? 0.9 : 0)),
    { absolute: 1e-7 },
  )
})

test('after resetEvery chunks the memory is what it was at the start', async () => {
  const model = createModel('rsm', { ...options, resetEvery: 3 })
  const decoder = await openModel(model, 'fused')
  const memory = async (chunks: number) => {
    const { state } = await decoder.run([ids.slice(0, chunks * CHUNK)], decoder.start(1))
    return Array.from(state['memory']!.data as Float32Array)
  }
  expect((await memory(2)).some((x) => x !== 0)).toBe(true)
  expect((await memory(3)).every((x) => x === 0)).toBe(true)
  decoder.close()
})
