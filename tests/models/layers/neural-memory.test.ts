import { beforeAll, describe, expect, test } from 'vitest'
import { withComposites } from '../../../models/composites.ts'
import { updateMemory, type NeuralMemoryConfig } from '../../../models/layers/neural-memory.ts'
import { descent, networkState, recall } from '../../../models/layers/memory-network.ts'
import type { Ops } from '../../../models/ops.ts'
import { Random } from '../../../trainer/random.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../../trainer/backends/tensorflow/ops.ts'
import { expectClose } from '../../support/all-close.ts'

const config: NeuralMemoryConfig = {
  width: 12,
  memory: 6,
  expansion: 2,
  depth: 2,
  activation: 'gelu',
  chunk: 7,
  thetaMax: 1,
  momentum: true,
  decay: true,
  threshold: 0,
  clip: 0,
  update: true,
}
const BATCH = 2

let tf: TensorFlow
let op: Ops<Tensor>
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
  op = withComposites<Tensor>(eager(tf))
})

const numbers = (x: Tensor): Float32Array => x.dataSync() as Float32Array

function normal(seed: string, shape: readonly number[], std = 1): Tensor {
  const random = new Random(seed)
  const size = shape.reduce((a, b) => a * b, 1)
  return tf.tensor(
    Float32Array.from({ length: size }, () => std * random.normal()),
    [...shape],
  )
}

/** The shapes of the fast weights of a configuration, without the batch. */
const shapes = (c: NeuralMemoryConfig): number[][] => networkState(c).map((spec) => spec.shape.slice(1).map(Number))

/** A memory in the middle of its life, and a full chunk for it. */
function situation(c: NeuralMemoryConfig, layers = 1) {
  const sets = (name: string, std: number) => shapes(c).map((s, i) => normal(`${name} ${i}`, [BATCH, ...s], std))
  const part = (name: string, width: number, std = 1) => normal(name, [BATCH, c.chunk * layers, width], std)
  const rates = tf.mul(tf.sigmoid(part('rate', 1)), c.thetaMax)
  const logits = [...(c.momentum ? [part('momentum', 1)] : []), ...(c.decay ? [part('decay', 1)] : [])]
  const [k, v] = [op.l2Normalize(part('k', c.memory)), part('v', c.memory)]
  const pending = tf.concat([k, v, rates, ...logits], -1)
  return {
    start: shapes(c).map((s, i) => normal(`start ${i}`, s, 0.5)),
    state: { added: sets('added', 0.2), ...(c.momentum ? { momentum: sets('momentum', 0.1) } : {}) },
    k,
    v,
    rates,
    logits,
    pending: tf.split(pending, layers, 1),
  }
}

describe('the gradient of the inner loss', () => {
  test.each([
    { depth: 1, activation: 'gelu' },
    { depth: 2, activation: 'gelu' },
    { depth: 2, activation: 'relu' },
  ])('at depth $depth with $activation is what TF.js finds', (own) => {
    const c = { ...config, ...own }
    const { state, k, v, rates } = situation(c)
    const loss = (...layers: Tensor[]): Tensor => {
      const wrong = tf.sub(recall(op, c, layers, k), v)
      return tf.sum(tf.mul(rates, tf.mean(tf.square(wrong), -1, true))).asScalar()
    }
    const expected = tf.grads(loss)([...state.added])
    const { surprise, factors } = descent(op, c, state.added, k, v)
    expectClose([numbers(tf.sum(tf.mul(surprise, rates)))[0]!], numbers(loss(...state.added)))
    const found = factors(rates).map(({ left, right }) => tf.neg(tf.matMul(left, right, true)))
    for (const [i, gradient] of found.entries())
      expectClose(numbers(gradient), numbers(expected[i]!), { absolute: 1e-6, relative: 1e-4, what: `layer ${i}` })
  })
})

/** One token after the other: S <- m S + u, added <- (1 - a) added + S, all u at the weights of the chunk's start. */
function oneByOne(c: NeuralMemoryConfig, s: ReturnType<typeof situation>, layers = 1) {
  const mean = (logit: Tensor | undefined): Tensor =>
    logit ? tf.sigmoid(tf.mean(logit, 1, true)) : tf.zeros([BATCH, 1, 1])
  const [m, a] = [mean(c.momentum ? s.logits[0] : undefined), mean(c.decay ? s.logits.at(-1) : undefined)]
  const weights = s.start.map((w, i) => tf.add(w, s.state.added[i]!))
  const { surprise, factors } = descent(op, c, weights, s.k, s.v)
  const taught = tf.where(tf.greater(surprise, c.threshold), s.rates, tf.zerosLike(s.rates))
  const parts = factors(taught)
  let momentum = s.state.momentum ?? s.state.added.map((x) => tf.zerosLike(x))
  let added = s.state.added
  for (let t = 0; t < c.chunk; t++) {
    const at = (x: Tensor, layer: number): Tensor => tf.slice(x, [0, layer * c.chunk + t, 0], [-1, 1, -1])
    const u = parts.map(({ left, right }) =>
      Array.from({ length: layers }, (_, l) => tf.matMul(at(left, l), at(right, l), true)).reduce((x, y) =>
        tf.add(x, y),
      ),
    )
    momentum = momentum.map((old, i) => tf.add(tf.mul(m, old), u[i]!))
    added = added.map((old, i) => tf.add(tf.mul(tf.sub(1, a), old), momentum[i]!))
  }
  return { added, momentum }
}

function expectSame(got: readonly Tensor[], expected: readonly Tensor[], what: string): void {
  for (const [i, tensor] of expected.entries())
    expectClose(numbers(got[i]!), numbers(tensor), { absolute: 2e-6, relative: 1e-4, what: `${what} ${i}` })
}

/** The largest eigenvalue of sum_t rate_t 2/M J_t' J_t of a row, with the Jacobians J_t of TF.js, by power iteration. */
function largestCurvature(c: NeuralMemoryConfig, { state, k, rates }: ReturnType<typeof situation>, row: number) {
  const own = (x: Tensor): Tensor => tf.slice(x, [row, 0, 0], [1, -1, -1])
  const layers = state.added.map(own)
  const weighted = (...ws: Tensor[]): Tensor =>
    tf.reshape(tf.mul(recall(op, c, ws, own(k)), tf.sqrt(tf.mul(own(rates), 2 / c.memory))), [-1])
  const jacobian = Array.from({ length: c.chunk * c.memory }, (_, i) => {
    const found = tf.grads((...ws: Tensor[]) => tf.slice(weighted(...ws), [i], [1]).asScalar())(layers)
    return tf.concat(found.map((g) => tf.reshape(g, [-1])))
  })
  const J = tf.stack(jacobian)
  const gram = tf.matMul(J, J, false, true)
  let vector: Tensor = tf.ones([c.chunk * c.memory, 1])
  for (let i = 0; i < 200; i++) {
    const next = tf.matMul(gram, vector)
    vector = tf.div(next, tf.norm(next))
  }
  return numbers(tf.norm(tf.matMul(gram, vector)))[0]!
}

describe('the bound of the curvature', () => {
  test.each([
    { depth: 1, activation: 'gelu', most: 1.5 },
    { depth: 2, activation: 'gelu', most: 4 },
    { depth: 2, activation: 'relu', most: 4 },
  ])('at depth $depth with $activation is at least the curvature, and at most $most times it', ({ most, ...own }) => {
    const c = { ...config, ...own }
    const s = situation(c)
    const bound = numbers(descent(op, c, s.state.added, s.k, s.v).curvature(s.rates))
    for (let row = 0; row < BATCH; row++) {
      const exact = largestCurvature(c, s, row)
      expect(bound[row]).toBeGreaterThanOrEqual(exact)
      expect(bound[row]).toBeLessThan(most * exact)
    }
  })
})

describe.each([1, 10])('with learning rates up to %d', (thetaMax) => {
  test.each([
    ['with momentum and decay', {}],
    ['linear, without decay', { depth: 1, decay: false }],
    ['without momentum', { momentum: false }],
  ])('what differs by a millionth stays so while both read the same, %s', (_, own) => {
    const c = { ...config, ...own, thetaMax }
    const first = situation(c).state
    const moved = first.added.map((x, i) => tf.add(x, normal(`moved ${i}`, x.shape, 1e-6)))
    let states = [first, { ...first, added: moved }]
    const apart = (): number => {
      const squares = states[0]!.added.map((x, i) => tf.sum(tf.square(tf.sub(x, states[1]!.added[i]!))))
      return Math.sqrt(numbers(tf.addN(squares))[0]!)
    }
    const before = apart()
    const { start, pending } = situation(c)
    for (let chunk = 0; chunk < 60; chunk++)
      states = states.map((state) => {
        const { added, momentum } = updateMemory(op, c, start, state, pending)
        return { added: [...added], ...(momentum ? { momentum: [...momentum] } : {}) }
      })
    expect(apart()).toBeLessThan(20 * before)
  })
})

describe('a chunk in closed form is its tokens one by one', () => {
  /** Within the stable rates. */
  const slow = { ...config, thetaMax: 0.02 }

  test.each([
    ['with momentum and decay', {}],
    ['without momentum', { momentum: false }],
    ['without decay', { decay: false }],
    ['without either', { momentum: false, decay: false }],
    ['linear', { depth: 1 }],
    ['one token long', { chunk: 1 }],
    ['with a threshold', { threshold: 1.2 }],
  ])('%s', (_, own) => {
    const c = { ...slow, ...own }
    const s = situation(c)
    const got = updateMemory(op, c, s.start, s.state, s.pending)
    const expected = oneByOne(c, s)
    expectSame(got.added, expected.added, 'added')
    if (c.momentum) expectSame(got.momentum!, expected.momentum, 'momentum')
  })

  test('when several layers teach one memory', () => {
    const s = situation(slow, 3)
    const got = updateMemory(op, slow, s.start, s.state, s.pending)
    const expected = oneByOne(slow, s, 3)
    expectSame(got.added, expected.added, 'added')
    expectSame(got.momentum!, expected.momentum, 'momentum')
  })

  test('and a momentum or a decay of zero is none', () => {
    const [s, plain] = [situation(config), situation({ ...config, momentum: false, decay: false })]
    const none = tf.mul(tf.onesLike(s.rates), -40)
    const pending = [tf.concat([s.k, s.v, s.rates, none, none], -1)]
    const got = updateMemory(
      op,
      config,
      s.start,
      { ...s.state, momentum: s.state.added.map((x) => tf.zerosLike(x)) },
      pending,
    )
    const expected = updateMemory(op, { ...config, momentum: false, decay: false }, s.start, plain.state, plain.pending)
    expectSame(got.added, expected.added, 'added')
  })
})

describe('what a chunk may do', () => {
  const simple = { ...config, momentum: false, decay: false }
  const learnt = (c: NeuralMemoryConfig) => {
    const s = situation(c)
    return updateMemory(op, c, s.start, s.state, s.pending).added.map((x, i) => tf.sub(x, s.state.added[i]!))
  }
  const lengths = (layers: readonly Tensor[]): Float32Array =>
    numbers(tf.sqrt(layers.map((x) => tf.sum(tf.square(x), [1, 2])).reduce((a, b) => tf.add(a, b))))

  test('is bounded by clip in each row, and goes the same way', () => {
    const free = lengths(learnt(simple))
    const bound = (free[0]! + free[1]!) / 2
    const got = learnt({ ...simple, clip: bound })
    expectClose(
      lengths(got),
      free.map((x) => Math.min(x, bound)),
      { relative: 1e-4 },
    )
    const along = tf.sum(tf.mul(got[0]!, learnt(simple)[0]!))
    expect(numbers(along)[0]).toBeGreaterThan(0)
  })

  test('is nothing where no token is as surprising as the threshold', () => {
    expectClose(lengths(learnt({ ...simple, threshold: 1e5 })), [0, 0], { absolute: 0 })
  })

  test('is to come nearer to its values, chunk after chunk', () => {
    const c = { ...config, decay: false, clip: 1 }
    const s = situation(c)
    let state = { added: s.state.added, momentum: s.state.added.map((x) => tf.zerosLike(x)) }
    const surprises: number[] = []
    for (let chunk = 0; chunk < 24; chunk++) {
      const weights = s.start.map((w, i) => tf.add(w, state.added[i]!))
      surprises.push(numbers(tf.mean(descent(op, c, weights, s.k, s.v).surprise))[0]!)
      const next = updateMemory(op, c, s.start, state, [tf.concat([s.k, s.v, s.rates, s.logits[0]!], -1)])
      state = { added: next.added, momentum: next.momentum! }
    }
    expect(surprises.at(-1)).toBeLessThan(surprises[0]! / 4)
  })
})
