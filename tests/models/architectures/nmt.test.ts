import { beforeAll, describe, expect, test } from 'vitest'
import { withComposites } from '../../../models/composites.ts'
import { ConfigError } from '../../../models/config.ts'
import {
  updateMemory,
  type NeuralMemoryConfig,
  neuralMemoryParams,
  neuralMemoryState,
  pendingState,
  retrieve,
  appendPending,
} from '../../../models/layers/neural-memory.ts'
import type { Ops } from '../../../models/ops.ts'
import { createModel } from '../../../models/registry.ts'
import { fill, flatten, type Of, type SpecTree } from '../../../models/spec.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { expectSameBits } from '../../support/all-close.ts'
import { eagerRun, randomIds, randomWeights } from '../../support/decoders.ts'
import { eagerGradients } from '../../support/gradients.ts'

const options = { vocab: 23, width: 16, heads: 2, hidden: 24, layers: 2, window: 6, memoryWidth: 8, chunk: 5 }

let tf: TensorFlow
let op: Ops<Tensor>
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
  op = withComposites<Tensor>(eager(tf))
})

const largest = (values: ArrayLike<number>): number => Array.from(values, Math.abs).reduce((a, b) => Math.max(a, b), 0)

describe('the fast weights of a session', () => {
  const model = createModel('nmt', options)
  const weights = randomWeights(model)
  const [mine, theirs, others] = [1, 2, 3].map((seed) => randomIds(23, 17, seed))

  test('are its own: what another row reads changes no bit of them', () => {
    const first = eagerRun(tf, model, weights, [mine!, theirs!])
    const second = eagerRun(tf, model, weights, [mine!, others!])
    const fast = [...first.state.keys()].filter((path) => path.includes('memory'))
    expect(fast.length).toBeGreaterThan(0)
    for (const path of fast) {
      const [a, b] = [first.state.get(path)!, second.state.get(path)!]
      const half = a.length / 2
      expectSameBits(a.subarray(0, half), b.subarray(0, half), path)
      expect(largest(a.subarray(half).map((x, i) => x - b[half + i]!)), path).toBeGreaterThan(1e-6)
    }
  })

  test('do not move before a chunk is full, and move then', () => {
    const added = (count: number) =>
      eagerRun(tf, model, weights, [mine!.slice(0, count)]).state.get('blocks.0.memory.added.1')!
    expect(largest(added(options.chunk - 1))).toBe(0)
    expect(largest(added(options.chunk))).toBeGreaterThan(0)
  })

  test.each(['gate', 'mac', 'mag', 'mal'])('teach the outer training how to write them (%s)', (variant) => {
    const own = createModel('nmt', { ...options, variant })
    const gradients = eagerGradients(tf, own, randomWeights(own), mine!.slice(0, 15))
    for (const path of ['write.token', 'write.rateBias', 'write.momentumBias', 'write.decayBias', 'start.0', 'query'])
      expect(largest(gradients.get(`blocks.0.memory.${path}`)!), path).toBeGreaterThan(1e-8)
  })

  test('are not there where the memory does not learn', () => {
    const still = createModel('nmt', { ...options, update: false })
    expect(flatten(still.state).filter(([path]) => /memory|pending|position/.test(path))).toEqual([])
    const more = new Set(flatten(model.params).map(([path]) => path))
    expect(flatten(still.params).filter(([path]) => !more.has(path))).toEqual([])
    const fewer = [...more].filter((path) => !flatten(still.params).some(([other]) => other === path))
    expect(fewer.every((path) => path.includes('.write.'))).toBe(true)
  })
})

test('what an observer sees: reads, surprise, rates, gradients and gates of each layer', () => {
  const model = createModel('nmt', options)
  const seen = new Map<string, number>()
  const tap = (x: Tensor, name: string): Tensor => {
    expect(largest(x.dataSync() as Float32Array), name).toBeGreaterThan(0)
    seen.set(name, (seen.get(name) ?? 0) + 1)
    return x
  }
  const tapped = withComposites<Tensor>(eager(tf), { tap })
  const weights = randomWeights(model)
  const params = fill(model.params, (path, spec) => tf.tensor(weights.get(path)!, spec.shape.map(Number)))
  const state = fill(model.state, (_, spec) => tf.zeros([1, ...spec.shape.slice(1).map(Number)]))
  model.forward<Tensor>(tapped, params, tf.tensor2d([randomIds(23, 10, 1)], undefined, 'int32'), state)
  const each = {
    'memory.read': 4,
    'memory.surprise': 4,
    'memory.rate': 4,
    'memory.curvature': 4,
    'memory.gradient': 4,
    'memory.added': 8,
    gate: 4,
  }
  expect(Object.fromEntries(seen)).toEqual(each) // two layers, two chunks
})

/** As first published: each layer's memory learns from all tokens of a call before the next layer reads it. */
function firstPublished(c: NeuralMemoryConfig, x: Tensor): Tensor {
  const specs: SpecTree = { ...neuralMemoryParams(c) }
  const values = initialise(specs, 3)
  const p = fill(specs, (path, spec) => tf.tensor(values.get(path)!, spec.shape.map(Number))) as Of<
    ReturnType<typeof neuralMemoryParams>,
    Tensor
  >
  const zeros = (tree: unknown) =>
    fill(tree as SpecTree, (_, spec) => tf.zeros([1, ...spec.shape.slice(1).map(Number)]))
  const before = zeros(neuralMemoryState(c)) as Of<ReturnType<typeof neuralMemoryState>, Tensor>
  const pending = appendPending(op, c, p, x, zeros(pendingState(c)) as Tensor)
  const after = updateMemory(op, c, p.start, before, [pending])
  return retrieve(op, c, p, x, after) //                                                            what the next layer reads
}

test('the order first published leaks: a read changes with the last token, by more than a twentieth of its size', () => {
  const c: NeuralMemoryConfig = {
    width: 16,
    memory: 8,
    expansion: 2,
    depth: 2,
    activation: 'gelu',
    chunk: 12,
    thetaMax: 1,
    momentum: true,
    decay: true,
    threshold: 0,
    clip: 1,
    update: true,
  }
  const x = tf.randomNormal([1, c.chunk, c.width], 0, 1, 'float32', 5)
  const other = tf.concat(
    [tf.slice(x, [0, 0, 0], [1, c.chunk - 1, -1]), tf.randomNormal([1, 1, c.width], 0, 1, 'float32', 6)],
    1,
  )
  const early = (t: Tensor): Float32Array =>
    firstPublished(c, t)
      .slice([0, 0, 0], [1, c.chunk - 1, -1])
      .dataSync() as Float32Array
  const [a, b] = [early(x), early(other)]
  const leak = largest(a.map((value, i) => value - b[i]!))
  expect(leak / largest(a)).toBeGreaterThan(0.05)

  // Ours: the same change through the whole model, with the last token in a full chunk
  const model = createModel('nmt', options)
  const ids = randomIds(23, 10, 4)
  const logits = (last: number) =>
    eagerRun(tf, model, randomWeights(model), [ids.with(9, last)]).logits.subarray(0, 9 * 23)
  expectSameBits(logits(1), logits(2), 'logits before the last token')
})

test.each([
  [{ depth: 3 }, 'nmt.depth: expected a whole number from 1 to 2, got 3'],
  [{ thetaMax: 0 }, 'nmt.thetaMax: expected a number from 0.000001 to 100, got 0'],
  [{ variant: 'max' }, 'nmt.variant: expected one of gate, mac, mag, mal, got "max"'],
  [{ window: 6, chunk: 7 }, 'nmt.window: expected at least the 7 tokens of a chunk, got 6'],
  [{ heads: 3 }, 'nmt.heads: 3 heads do not split width 16 into even channels'],
])('refuses %j', (wrong, message) => {
  expect(() => createModel('nmt', { ...options, ...wrong })).toThrow(new ConfigError(message))
})
