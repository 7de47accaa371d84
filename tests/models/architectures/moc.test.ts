import { beforeAll, describe, expect, test } from 'vitest'
import type { Model } from '../../../models/architecture.ts'
import { withComposites } from '../../../models/composites.ts'
import { memoryFields, memoryLayers } from '../../../models/layers/placement.ts'
import { choose } from '../../../models/layers/router.ts'
import { ConfigError, configure } from '../../../models/config.ts'
import { createModel } from '../../../models/registry.ts'
import { fill, flatten } from '../../../models/spec.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { emptyBatch } from '../../../trainer/data/batch.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { Random } from '../../../trainer/random.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { eagerRun, randomIds, randomWeights } from '../../support/decoders.ts'
import { leaks, mean } from '../../support/leak.ts'
import { backendOptions } from '../../support/backend-options.ts'

const options = { vocab: 23, width: 16, heads: 2, hidden: 24, layers: 2, window: 6, rows: 12, memoryHeads: 2 }
const chapters = { ...options, zeroOutput: false, memoryStd: 0.5, chapters: 6, topChapters: 2, routingWindow: 4 }
const moc = (more: Record<string, unknown> = {}): Model => createModel('moc', { ...options, ...more })
const ids = randomIds(23, 17, 1)

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

const shapes = (model: Model): Record<string, readonly unknown[]> =>
  Object.fromEntries(flatten(model.params).map(([path, spec]) => [path, spec.shape]))

/** What a forward pass over `ids` shows under names that begin with `memory.`. */
function observe(model: Model, weights = randomWeights(model)): Map<string, Tensor> {
  const seen = new Map<string, Tensor>()
  const tap = (x: Tensor, name: string): Tensor => {
    seen.set(name, x)
    return x
  }
  const op = withComposites<Tensor>(eager(tf), { tap })
  const params = fill(model.params, (path, spec) => tf.tensor(weights.get(path)!, spec.shape.map(Number)))
  const state = fill(model.state, (_, spec) => tf.zeros([1, ...spec.shape.slice(1).map(Number)]))
  model.forward<Tensor>(op, params, tf.tensor2d([ids], undefined, 'int32'), state)
  return seen
}

describe('a bank', () => {
  test('has rows of its own width, a product of two, or only as wide as its rank', () => {
    expect(shapes(moc({ rowWidth: 10 }))).toMatchObject({
      'banks.0.rows': [12, 10],
      'blocks.1.memory.key.weight': [10, 16],
    })
    expect(shapes(moc({ bank: 'factorized', rank: 3 }))).toMatchObject({
      'banks.0.rows': [12, 3],
      'banks.0.basis': [3, 16],
      'blocks.0.memory.value.weight': [16, 16],
    })
    expect(shapes(moc({ bank: 'reduced', rank: 8 }))).toMatchObject({
      'banks.0.rows': [12, 8],
      'blocks.0.memory.query.weight': [16, 8],
      'blocks.0.memory.key.weight': [8, 8],
      'blocks.0.memory.output.weight': [8, 16],
    })
    expect(shapes(moc({ projectionRank: 5 }))).toMatchObject({
      'blocks.0.memory.query.down': [16, 5],
      'blocks.0.memory.query.up': [5, 16],
    })
  })

  test('is shared by all memory layers, by some, or by none', () => {
    const banks = (more: Record<string, unknown>): number =>
      Object.keys(shapes(moc({ layers: 5, ...more }))).filter((path) => path.endsWith('rows')).length
    expect(banks({})).toBe(1)
    expect(banks({ sharing: 'per_layer' })).toBe(5)
    expect(banks({ sharing: 'every_k_layers', sharingEvery: 2 })).toBe(3)
    expect(banks({ sharing: 'per_layer', placement: 'every_n', placementEvery: 2 })).toBe(3)
    expect(banks({ placement: 'none' })).toBe(0)
  })

  test('is read in the layers that its placement names', () => {
    const layers = (more: Record<string, unknown>): number[] => memoryLayers(configure('moc', memoryFields, more), 5)
    expect(layers({})).toEqual([0, 1, 2, 3, 4])
    expect(layers({ placement: 'first_k', placementCount: 2 })).toEqual([0, 1])
    expect(layers({ placement: 'last_k', placementCount: 2 })).toEqual([3, 4])
    expect(layers({ placement: 'every_n', placementEvery: 3 })).toEqual([0, 3])
    expect(layers({ placement: 'custom', placementLayers: [4, 1] })).toEqual([1, 4])
    expect(layers({ placement: 'none' })).toEqual([])
  })

  test('that is rounded to 8 bits answers almost as before, with 4 bits less so, and both not exactly', () => {
    const weights = randomWeights(moc())
    const run = (quantize: string): Float32Array => eagerRun(tf, moc({ quantize }), weights, [ids]).logits
    const exact = run('none')
    const off = (quantize: string): number =>
      run(quantize).reduce((most, x, i) => Math.max(most, Math.abs(x - exact[i]!)), 0) /
      exact.reduce((most, x) => Math.max(most, Math.abs(x)), 0)
    const [eight, four] = [off('int8'), off('int4')]
    expect(eight).toBeGreaterThan(0)
    expect(eight).toBeLessThan(0.005)
    expect(four).toBeGreaterThan(eight)
    expect(four).toBeLessThan(0.1)
  })
})

describe('a memory layer', () => {
  test('reads for every token, head and row, and what it reads sums to one', () => {
    for (const more of [{}, { bank: 'reduced', rank: 8 }, chapters]) {
      const shares = [...observe(moc(more))].filter(([name]) => /^memory\.\d+\.\d+$/.test(name))
      expect(shares.map(([name]) => name)).toEqual(['memory.0.0', 'memory.0.1', 'memory.1.0', 'memory.1.1'])
      for (const [name, share] of shares) {
        expect(share.shape).toEqual([1, 17, 12])
        expectClose(tf.sum(share, -1).dataSync(), new Float32Array(17).fill(1), { absolute: 1e-5, what: name })
      }
    }
  })

  test('whose output is zero changes nothing: the same bits as the Transformer without it', () => {
    const model = moc({ chapters: 4, topChapters: 2 })
    const weights = initialise(model.params, 5)
    const { rows: _, memoryHeads: __, ...common } = options
    const vanilla = createModel('vanilla', common)
    const own = new Map(flatten(vanilla.params).map(([path]) => [path, weights.get(path)!]))
    expectSameBits(eagerRun(tf, model, weights, [ids]).logits, eagerRun(tf, vanilla, own, [ids]).logits, 'logits')
    const loud = initialise(moc({ zeroOutput: false }).params, 5)
    expect(eagerRun(tf, moc({ zeroOutput: false }), loud, [ids]).logits).not.toEqual(
      eagerRun(tf, vanilla, own, [ids]).logits,
    )
  })
})

describe('the router', () => {
  test.each(['token', 'rolling', 'hybrid', 'sequence', 'sequence_rolling'])(
    'by %s chooses exactly k chapters and the shared ones, whose weights sum to the scale and one each',
    (routing) => {
      const seen = observe(moc({ ...chapters, routing, sharedChapters: 1, routedScale: 2.5 }))
      const rows = seen.get('memory.1.router')!.arraySync() as number[][][]
      for (const weights of rows[0]!) {
        expect(weights.filter((w) => w > 0)).toHaveLength(3)
        expect(weights[0]).toBe(1)
        expect(weights.reduce((a, b) => a + b, 0)).toBeCloseTo(3.5, 5)
      }
    },
  )

  const losses = (more: Record<string, unknown>, logits: Tensor): number => {
    const c = configure('moc', memoryFields, { chapters: 6, topChapters: 2, loadBalance: 0, ...more })
    return choose<Tensor>(withComposites<Tensor>(eager(tf)), c, logits).loss!.dataSync()[0]!
  }

  test('that uses all chapters alike has a load-balance loss of k, and any other more', () => {
    expect(losses({ loadBalance: 1 }, tf.zeros([2, 4, 6]))).toBeCloseTo(2, 5)
    const always = tf.mul(tf.ones([2, 4, 1]), tf.tensor1d([3, 3, 0, 0, 0, 0]))
    expect(losses({ loadBalance: 1 }, always)).toBeGreaterThan(4)
    expect(losses({ loadBalance: 0.01 }, tf.zeros([2, 4, 6]))).toBeCloseTo(0.02, 6)
  })

  test('has an auxiliary loss of 0 where all chapters are equally probable, and a z loss of log(C)^2 at zero logits', () => {
    const lopsided = tf.mul(tf.ones([2, 4, 1]), tf.tensor1d([50, 0, 0, 0, 0, 0]))
    expect(losses({ auxiliaryLoss: 1 }, tf.zeros([2, 4, 6]))).toBeCloseTo(0, 6)
    expect(losses({ auxiliaryLoss: 1 }, lopsided)).toBeCloseTo(6 * ((5 / 6) ** 2 + 5 / 36), 4)
    expect(losses({ zLoss: 1 }, tf.zeros([2, 4, 6]))).toBeCloseTo(Math.log(6) ** 2, 5)
  })

  const leak = (routing: string): number => mean(leaks(tf, moc({ ...chapters, routing }), ids, [3, 8, 12]))

  test('that pools the whole row tells tokens what comes after them; by token or window it does not', () => {
    for (const routing of ['token', 'rolling', 'hybrid']) expect(leak(routing), routing).toBe(0)
    for (const routing of ['sequence', 'sequence_rolling']) {
      expect(leak(routing), routing).toBeGreaterThan(0.01)
      expect(moc({ ...chapters, routing }).trainingOnly).toMatch(/routing: sequence/)
    }
    expect(moc(chapters).trainingOnly).toBeUndefined()
  })
})

test('what cannot be is refused, with the field and what it may be', () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ chapters: 5 }, 'moc.chapters: expected a divisor of 12 (rows), got 5'],
    [{ chapters: 4, topChapters: 5 }, 'moc.topChapters: expected at most 4 (the chapters that are not shared), got 5'],
    [{ chapters: 4, topChapters: 3, sharedChapters: 2 }, 'moc.topChapters: expected at most 2'],
    [{ chapters: 4, topChapters: 1, sharedChapters: 4 }, 'moc.sharedChapters: expected at most 3'],
    [{ bank: 'factorized', rank: 0 }, 'moc.rank: expected a whole number from 1'],
    [{ projectionRank: 17 }, 'moc.projectionRank: expected at most 16 (the width), got 17'],
    [{ bank: 'reduced', rank: 18 }, 'moc.rank: expected at most 16 (the width), got 18'],
    [{ bank: 'factorized', rank: 13 }, 'moc.rank: expected at most 12 (the smaller side of the bank), got 13'],
    [{ memoryHeads: 3 }, 'moc.memoryHeads: expected a divisor of 16 (width), got 3'],
    [{ bank: 'reduced', rank: 7 }, 'moc.memoryHeads: expected a divisor of 7 (rank), got 2'],
    [{ memoryKeyHeads: 3 }, 'moc.memoryKeyHeads: expected a divisor of 2 (memoryHeads), got 3'],
    [{ quantize: 'int4', rowWidth: 5 }, 'moc.quantize: int4 packs two numbers in a byte'],
    [{ placement: 'first_k', placementCount: 3 }, 'moc.placementCount: expected at most 2 (the layers), got 3'],
    [
      { placement: 'custom', placementLayers: [2] },
      'moc.placementLayers: expected different layers from 0 to 1, got 2',
    ],
    [{ placement: 'custom', placementLayers: [1, 1] }, 'moc.placementLayers: expected different layers'],
    [{ heads: 3 }, 'moc.heads: 3 heads do not split width 16 into even channels'],
    [{ routing: 'topic' }, 'moc.routing: expected one of token, rolling, hybrid'],
  ]
  for (const [more, message] of cases) expect(() => moc(more)).toThrow(message)
  expect(() => moc({ rows: 0 })).toThrow(ConfigError)
})

test('a hundred steps of a model with chapters lower its loss', async () => {
  const model = moc({ chapters: 4, topChapters: 2 })
  const shape = { batch: 4, sequenceLength: 16 }
  const backend = await createCompiledBackend(backendOptions(model, { ...shape, carry: false }), 3)
  const random = new Random('smoke ids')
  const losses: number[] = []
  for (let step = 1; step <= 100; step++) {
    const batch = emptyBatch(shape.batch, shape.sequenceLength)
    batch.weights.fill(1)
    for (let i = 0; i < batch.ids.length; i++) {
      batch.ids[i] = random.int(23)
      batch.targets[i] = (batch.ids[i]! * 7 + 3) % 23
    }
    losses.push((await backend.update([batch], 5e-3, step)).loss)
  }
  backend.close()
  expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]!)
})
