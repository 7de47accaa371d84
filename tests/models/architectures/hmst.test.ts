import { beforeAll, describe, expect, test } from 'vitest'
import { withComposites } from '../../../models/composites.ts'
import { ConfigError } from '../../../models/config.ts'
import { presets } from '../../../models/architectures/hmst.ts'
import { loadBalance, zLoss } from '../../../models/layers/balance.ts'
import { type ExpertsConfig, routeTo } from '../../../models/layers/experts.ts'
import type { Ops } from '../../../models/ops.ts'
import { createModel } from '../../../models/registry.ts'
import { countParameters, fill, leaves } from '../../../models/spec.ts'
import { Random } from '../../../trainer/random.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { withLosses } from '../../../trainer/backends/tensorflow/losses.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { expectClose, expectSameBits } from '../../support/all-close.ts'
import { eagerRun, openModel, randomIds, randomWeights } from '../../support/decoders.ts'

const options = { vocab: 23, width: 16, heads: 2, hidden: 24, layers: 2, window: 6, experts: 5, topExperts: 2 }
const ids = randomIds(23, 12, 1)

let tf: TensorFlow
let op: Ops<Tensor>
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
  op = withComposites<Tensor>(eager(tf))
})

const numbers = (x: Tensor): Float32Array => x.dataSync() as Float32Array

describe('a router', () => {
  const c: ExpertsConfig = {
    width: 16,
    hidden: 24,
    experts: 5,
    topExperts: 3,
    dispatch: 'dense',
    loadBalance: 0.01,
    zLoss: 0,
    dropout: 0,
  }
  const [BATCH, TIME] = [2, 7]
  const random = new Random('logits')
  const logits = Float32Array.from({ length: BATCH * TIME * c.experts }, () => 2 * random.normal())

  test('takes exactly k experts of each token, by their probabilities among themselves', () => {
    const routing = routeTo(op, c, tf.tensor(logits, [BATCH, TIME, c.experts]))
    const chosen = routing.choices.map(numbers)
    const shares = numbers(routing.shares)
    for (let token = 0; token < BATCH * TIME; token++) {
      const own = Array.from(logits.slice(token * c.experts, (token + 1) * c.experts), Math.exp)
      const best = own
        .map((_, e) => e)
        .toSorted((a, b) => own[b]! - own[a]!)
        .slice(0, c.topExperts)
      const taken = chosen.map((one) => one.slice(token * c.experts, (token + 1) * c.experts))
      expect(taken.map((one) => one.indexOf(1))).toEqual(best)
      expect(taken.flatMap((one) => [...one]).reduce((a, b) => a + b)).toBe(c.topExperts)
      const total = best.reduce((sum, e) => sum + own[e]!, 0)
      expectClose(
        shares.slice(token * c.topExperts, (token + 1) * c.topExperts),
        best.map((e) => own[e]! / total),
        {
          absolute: 1e-6,
        },
      )
    }
  })

  test('that uses all experts alike has a load balance of 1, one that uses a single one of E', () => {
    const cyclic = (height: number) =>
      tf.tensor(
        Array.from({ length: 2 * 5 * 5 }, (_, i) => (i % 5 === Math.floor(i / 5) % 5 ? height : 0)),
        [2, 5, 5],
      )
    expectClose(numbers(routeTo(op, c, cyclic(3)).loss), [0.01])
    const single = tf.tensor(
      Array.from({ length: 2 * 5 * 5 }, (_, i) => (i % 5 === 2 ? 50 : 0)),
      [2, 5, 5],
    )
    expectClose(numbers(routeTo(op, c, single).loss), [0.05])
  })

  test('has a z-loss of the mean squared log-sum-exp', () => {
    const x = tf.tensor(logits, [BATCH, TIME, c.experts])
    expectClose(numbers(zLoss(op, x)), numbers(tf.mean(tf.square(tf.logSumExp(x, -1)))), { absolute: 1e-5 })
    const losses = { ...c, loadBalance: 0.5, zLoss: 0.25 }
    const routing = routeTo(op, losses, x)
    const balance = numbers(loadBalance(op, routing.choices[0]!, tf.softmax(x), c.experts))[0]!
    expectClose(numbers(routing.loss), [0.5 * balance + 0.25 * numbers(zLoss(op, x))[0]!], { absolute: 1e-5 })
  })
})

test('dense and sparse dispatch give the same to rounding, on TF.js and in a decoder', async () => {
  const [dense, sparse] = ['dense', 'sparse'].map((dispatch) => createModel('hmst', { ...options, dispatch }))
  const weights = randomWeights(dense!)
  const expected = eagerRun(tf, dense!, weights, [ids]).logits
  expectClose(eagerRun(tf, sparse!, weights, [ids]).logits, expected, { absolute: 1e-5 })
  const decoder = await openModel(sparse!, 'fused', weights)
  const got = await decoder.run([ids], decoder.start(1))
  decoder.close()
  expectClose(got.logits.data as Float32Array, expected, { absolute: 2e-5, relative: 1e-4 })
})

test('the bias of a session moves its routing only, and stays', async () => {
  const model = createModel('hmst', options)
  const weights = randomWeights(model)
  const decoder = await openModel(model, 'fused', weights)
  const run = async (...biases: number[][]) => {
    const start = decoder.start(biases.length)
    ;(start['expertBias']!.data as Float32Array).set(biases.flat())
    return decoder.run(
      biases.map(() => ids),
      start,
    )
  }
  const [none, fourth] = [
    [0, 0, 0, 0, 0],
    [0, 0, 0, 1e4, 0],
  ]
  const both = await run(none, fourth)
  expect(Array.from(both.state['expertBias']!.data as Float32Array)).toEqual([...none, ...fourth])
  const [plain, biased] = [(await run(none)).logits.data, (await run(fourth)).logits.data] as Float32Array[]
  decoder.close()
  expectSameBits(both.logits.data.slice(0, plain!.length), plain!)
  expectSameBits(both.logits.data.slice(plain!.length), biased!)

  // With all the probability on the fourth expert, what the others know does not matter
  const other = new Map(weights)
  for (const [path, data] of weights) {
    if (!/experts\.(up|down)/.test(path)) continue
    const size = data.length / options.experts
    other.set(
      path,
      data.map((x, i) => (Math.floor(i / size) === 3 ? x : -x)),
    )
  }
  const changed = await openModel(model, 'fused', other)
  const start = changed.start(1)
  ;(start['expertBias']!.data as Float32Array).set(fourth)
  const same = (await changed.run([ids], start)).logits.data as Float32Array
  const different = (await changed.run([ids], changed.start(1))).logits.data as Float32Array
  changed.close()
  expectSameBits(same, biased!, 'only the fourth expert')
  expect(Math.max(...different.map((x, i) => Math.abs(x - plain![i]!)))).toBeGreaterThan(1e-3)
})

test('training adds the mean of the layers’ losses', () => {
  const model = createModel('hmst', { ...options, loadBalance: 0, zLoss: 1 })
  const weights = randomWeights(model)
  for (const path of weights.keys()) if (path.endsWith('router')) weights.get(path)!.fill(0)
  const params = fill(model.params, (path, spec) => tf.tensor(weights.get(path)!, spec.shape.map(Number)))
  const state = fill(model.state, (_, spec) => tf.zeros([1, ...spec.shape.slice(1).map(Number)]))
  const losses = withLosses(tf, op)
  const done = model.forward<Tensor>(losses.op, params, tf.tensor2d([ids], undefined, 'int32'), state)
  expectClose(numbers(losses.total()!), [Math.log(5) ** 2], { absolute: 1e-5 }) // all logits 0
  expect(leaves<Tensor>(model.state, done.state).has('expertBias')).toBe(true)
})

describe('presets', () => {
  test.each([
    ['micro', 16_022_272],
    ['tiny', 82_441_728],
    ['small', 504_794_112],
    ['base', 6_950_590_464],
    ['large', 71_085_928_448],
  ])('%s has %d parameters with the vocabulary of GPT-2', (preset, parameters) => {
    const model = createModel('hmst', { preset, vocab: 50_257 })
    expect(model.config).toMatchObject({ preset, ...presets[preset as keyof typeof presets] })
    expect(countParameters(model.params)).toBe(parameters)
  })

  test('are defaults: what is named beside one wins', () => {
    expect(createModel('hmst', { preset: 'tiny', layers: 2, experts: 8 }).config).toMatchObject({
      preset: 'tiny',
      width: 512,
      layers: 2,
      experts: 8,
    })
  })
})

test.each([
  [{ topExperts: 6 }, 'hmst.topExperts: expected at most the 5 experts, got 6'],
  [{ preset: 'huge' }, 'hmst.preset: expected one of none, micro, tiny, small, base, large, got "huge"'],
  [{ heads: 3 }, 'hmst.heads: 3 heads do not split width 16 into even channels'],
  [{ experts: 0 }, 'hmst.experts: expected a whole number from 1 to 1024, got 0'],
])('refuses %j', (wrong, message) => {
  expect(() => createModel('hmst', { ...options, ...wrong })).toThrow(new ConfigError(message))
})
