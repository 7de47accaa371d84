import { describe, expect, test } from 'vitest'
import { createModel } from '../../../../models/registry.ts'
import type { Model } from '../../../../models/architecture.ts'
import { flatten } from '../../../../models/spec.ts'
import { createTensor, type Tensor } from '../../../../runtime/tensor.ts'
import { emit } from '../../../../trainer/backends/compile/compiled-graph.ts'
import { gradients } from '../../../../trainer/backends/compile/gradients.ts'
import { recorder } from '../../../../trainer/backends/compile/recorder.ts'
import { compileGradients } from '../../../../trainer/backends/compile/step.ts'
import { type Node, Tape } from '../../../../trainer/backends/compile/tape.ts'
import { Random } from '../../../../trainer/random.ts'
import { trainable } from '../../../models/configurations.ts'
import { expectClose } from '../../../support/all-close.ts'
import { randomWeights } from '../../../support/decoders.ts'
import { runOnnx } from '../../../support/run-onnx.ts'

const BATCH = 3
/** Sums in another order, and what the memories that learn make of it. */
const CLOSE = 2e-5

const numbers = (random: Random, shape: readonly number[], scale = 1): Tensor =>
  createTensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * random.normal()),
  )

function inputsOf(model: Model, time: number): Record<string, Tensor> {
  const random = new Random('loop')
  const ids = () =>
    createTensor(
      'int32',
      [BATCH, time],
      Int32Array.from({ length: BATCH * time }, () => random.int(model.vocab)),
    )
  const weights = randomWeights(model)
  return {
    ids: ids(),
    targets: ids(),
    weights: createTensor(
      'float32',
      [BATCH, time],
      Float32Array.from({ length: BATCH * time }, () => random.pick([0, 1, 3])),
    ),
    carry: createTensor('float32', [BATCH, 1], [1, 0, 1]),
    ...Object.fromEntries(
      flatten(model.params).map(([path, { shape }]) => [
        `param.${path}`,
        createTensor('float32', shape.map(Number), weights.get(path)),
      ]),
    ),
    ...Object.fromEntries(
      flatten(model.state).map(([path, { shape }]) => {
        const counts = shape.length === 2 && shape[1] === 1 //   counters of tokens start at a whole chunk
        return [`state.${path}`, numbers(random, [BATCH, ...shape.slice(1).map(Number)], counts ? 0 : 0.1)]
      }),
    ),
  }
}

/** Numbers that are small because larger ones cancel: below it a difference is rounding. */
const LEAST = 1e-3

/** Every output of both is close to that of the other, by the largest of its numbers. */
function expectSame(got: Record<string, Tensor>, expected: Record<string, Tensor>): void {
  for (const [name, { data }] of Object.entries(expected)) {
    const largest = Math.max(LEAST, ...Array.from(data as Float32Array, Math.abs))
    expectClose(got[name]!.data as Float32Array, data as Float32Array, {
      absolute: CLOSE * largest,
      relative: 0,
      what: name,
    })
  }
}

const unrolledNodes = (model: Model, time: number, unrolled: number) =>
  compileGradients(model, {
    batch: BATCH,
    sequenceLength: time,
    carry: true,
    maxLabels: 0,
    precision: 'float32',
    unrolled,
  })

const timeOf = (model: Model): number => (model.chunkLength > 1 ? 3 * model.chunkLength : 12)

describe.each(
  trainable.filter(
    ({ model }) => unrolledNodes(model, timeOf(model), 0).nodes < unrolledNodes(model, timeOf(model), Infinity).nodes,
  ),
)('$name', ({ model }) => {
  test('has the same loss, state and gradients with its loops as loops as with its loops unrolled', async () => {
    const time = timeOf(model)
    const given = inputsOf(model, time)
    const [loops, unrolled] = await Promise.all(
      [0, Infinity].map((budget) => {
        const { bytes, inputs, outputs } = unrolledNodes(model, time, budget)
        const used = Object.fromEntries(inputs.map(({ name }) => [name, given[name]!]))
        return runOnnx(bytes, used, outputs)
      }),
    )
    expectSame(loops!, unrolled!)
  })
})

/** A loop in a loop, with what models do in them: parameters, integers, dropout, losses, no derivative, unused results. */
function nested(budget: number) {
  const tape = new Tape()
  const op = recorder(tape, budget)
  const [w, bias, start, xs] = [
    tape.input('w', [4, 4]),
    tape.input('bias', [4]),
    tape.input('start', [2, 4]),
    tape.input('xs', [2, 6, 4]),
  ] as const
  const ids = tape.input('ids', [2, 6], 'int32')
  const table = tape.input('table', [5, 4])
  const { result, losses } = tape.withLosses(() =>
    op.chunkedScan(
      ([carry, count], [x, some]) => {
        const weight = op.tanh(w) //   the same in every step
        const inner = op.scan(
          ([c], [row, id]) => {
            const kept = op.float(op.less(op.constant(0.3), tape.noise([2, 4])))
            const next = op.tanh(op.add(op.matmul(op.mul(c!, kept), weight), op.add(row!, op.gather(table, id!))))
            tape.addLoss(op.mean(op.mean(op.mul(next, next), 1), 0))
            return { carry: [next], y: [op.mul(next, op.detach(row!)), op.exp(c!)] }
          },
          [carry!],
          [x!, some!],
          1,
        )
        const read = op.add(inner.ys[0]!, bias)
        return { carry: [inner.carry[0]!, op.add(count!, op.constant(1))], y: [read] }
      },
      [start, op.zeros([2, 1])],
      [xs, ids],
      { length: 3, outputs: [[4]], room: (carry) => carry[1]! },
    ),
  )
  const flat = (x: Node) => op.sum(op.reshape(x, [-1]), 0)
  const objective = [flat(op.sin(result.ys[0]!)), flat(result.carry[0]!), ...losses].reduce((a, b) => op.add(a, b))
  const wrt = { w, bias, start, xs, table }
  const found = gradients(tape, op, objective, Object.values(wrt))
  const outputs = new Map<string, Node>([
    ['objective', objective],
    ['count', result.carry[1]!],
  ])
  for (const [i, name] of Object.keys(wrt).entries()) outputs.set(`d.${name}`, found[i]!)
  return emit('nested', tape, outputs, { precision: 'float32' })
}

test('a loop in a loop has the values and gradients of the unrolled one, dropout drawn in the same order', async () => {
  const random = new Random('nested')
  const given: Record<string, Tensor> = {
    w: numbers(random, [4, 4]),
    bias: numbers(random, [4]),
    start: numbers(random, [2, 4]),
    xs: numbers(random, [2, 6, 4]),
    table: numbers(random, [5, 4]),
    ids: createTensor(
      'int32',
      [2, 6],
      Int32Array.from({ length: 12 }, () => random.int(5)),
    ),
  }
  const results = []
  for (const budget of [0, Infinity]) {
    const { bytes, inputs, outputs } = nested(budget)
    const noise = new Random('noise')
    for (const { name, shape } of inputs)
      if (name.startsWith('noise.'))
        given[name] = createTensor(
          'float32',
          shape.map(Number),
          Float32Array.from({ length: shape.reduce<number>((a, b) => a * Number(b), 1) }, () => noise.uniform()),
        )
    expect(inputs.filter(({ name }) => name.startsWith('noise.'))).toHaveLength(budget === 0 ? 1 : 6)
    results.push(await runOnnx(bytes, Object.fromEntries(inputs.map(({ name }) => [name, given[name]!])), outputs))
  }
  expectSame(results[0]!, results[1]!)
  expect(results[0]!['count']!.data[0]).toBe(2)
})

test('a long sequence has as many nodes as a longer one, and fewer than ten thousand', () => {
  const model = createModel('nmt', { width: 32, heads: 2, hidden: 32, memoryWidth: 8, chunk: 8, window: 16 })
  const nodes = [512, 1024].map(
    (time) =>
      compileGradients(model, { batch: 1, sequenceLength: time, carry: true, maxLabels: 0, precision: 'float32' })
        .nodes,
  )
  expect(nodes[0]).toBe(nodes[1])
  expect(nodes[0]).toBeLessThan(10_000)
})

test('a value of one step cannot be read outside of its loop', () => {
  const tape = new Tape()
  const op = recorder(tape, 0)
  let leaked: Node | undefined
  op.scan(
    ([c], [x]) => {
      leaked = op.exp(x!)
      return { carry: [op.add(c!, leaked)], y: [] }
    },
    [tape.input('carry', [2])],
    [tape.input('xs', [2, 3])],
    1,
  )
  expect(() => op.neg(leaked!)).toThrow("neg: reads exp of a loop's body from outside of it")
})
