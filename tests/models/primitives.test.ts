import { beforeAll, describe, expect, test } from 'vitest'
import { GraphBuilder, type Port } from '../../exporter/onnx/graph.ts'
import { tracer } from '../../exporter/trace.ts'
import type { Primitives } from '../../models/ops.ts'
import { createTensor, type Tensor as Memory } from '../../runtime/tensor.ts'
import { onnxEmitter } from '../../trainer/backends/compile/emit.ts'
import { gradients } from '../../trainer/backends/compile/gradients.ts'
import { recorder } from '../../trainer/backends/compile/recorder.ts'
import { replay, Tape } from '../../trainer/backends/compile/tape.ts'
import { Random } from '../../trainer/random.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../trainer/backends/tensorflow/ops.ts'
import { expectClose } from '../support/all-close.ts'
import { runOnnx } from '../support/run-onnx.ts'
import { type Case, cases } from './primitives.ts'

/** Central differences in float32: half a step of 1e-2 leaves three digits. */
const DIFFERENCES = { absolute: 4e-3, relative: 1e-2 }
const EXACT = { absolute: 2e-6, relative: 2e-5 }

let tf: TensorFlow
beforeAll(async () => {
  tf = (await loadTensorFlow('cpu')).tf
})

/** The first axis left open, but for tables of weights. */
const open = (shape: readonly number[], from: string) =>
  shape.map((d, i) => (i === 0 && from !== 'table' ? `${from}${i}` : d))

const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)

/** Random inputs of a case, and the weights that make its output one number. */
function inputsOf(c: Case) {
  const random = new Random(c.name)
  const [low, high] = c.range ?? [-1.5, 1.5]
  const floats = c.shapes.map((s) =>
    Float32Array.from({ length: size(s) }, () => low + (high - low) * random.uniform()),
  )
  const ids = Int32Array.from({ length: size(c.ids?.shape ?? [0]) }, () => random.int(c.ids?.below ?? 1))
  return { floats, ids, weight: (i: number) => Math.sin(i * 1.7 + 0.3) }
}

/** The output and its gradients by TF.js alone. */
function judge(c: Case, floats: readonly Float32Array[], ids: Int32Array, weight: (i: number) => number) {
  const op = eager(tf)
  const variables = floats.map((data, i) => tf.tensor(data, [...c.shapes[i]!], 'float32'))
  const extra = c.ids ? [tf.tensor(ids, [...c.ids.shape], 'int32')] : []
  const value = c.f(op, [...variables, ...extra])
  const weights = tf.tensor(
    Float32Array.from({ length: value.size }, (_, i) => weight(i)),
    value.shape,
  )
  const loss = (...xs: Tensor[]) => tf.sum(tf.mul(c.f(op, [...xs, ...extra]), weights)) as ReturnType<typeof tf.scalar>
  const found = tf.grads(loss)(variables)
  return { value, grads: found.map((g) => g.dataSync() as Float32Array), loss: loss(...variables).dataSync()[0]! }
}

/** The same by a tape that is differentiated with our rules and run by ONNX Runtime. */
async function ours(c: Case, floats: readonly Float32Array[], ids: Int32Array, weight: (i: number) => number) {
  const tape = new Tape()
  const op = recorder(tape)
  const variables = c.shapes.map((shape, i) => tape.input(`x${i}`, shape))
  const extra = c.ids ? [tape.input('ids', c.ids.shape, 'int32')] : []
  const y = c.f<ReturnType<typeof op.constant>>(op, [...variables, ...extra])
  const weights = op.table(
    Array.from({ length: size(y.shape) }, (_, i) => weight(i)),
    y.shape,
  )
  const loss = op.sum(op.reshape(op.mul(y, weights), [-1]), 0)
  const found = gradients(tape, op, loss, variables).map((g) => g!)
  const graph = new GraphBuilder()
  const given = new Map([...variables, ...extra].map((n) => [n, { name: n.name }]))
  const values = replay(tape.nodes, onnxEmitter({ at: graph }), given, [y, loss, ...found])
  const ports: Port[] = [y, loss, ...found].map((n, i) => ({ name: `out${i}`, dtype: 'float32', shape: n.shape }))
  for (const [i, p] of ports.entries()) graph.nodeInto('Identity', [values[i]!], {}, [p])
  const inputs = [...variables, ...extra].map((n): Port => ({ name: n.name, dtype: n.dtype, shape: n.shape }))
  const out = await runOnnx(graph.model('test', inputs, ports), feeds(c, floats, ids), ports)
  return { value: out['out0']!, grads: variables.map((_, i) => out[`out${i + 2}`]!.data as Float32Array) }
}

function feeds(c: Case, floats: readonly Float32Array[], ids: Int32Array): Record<string, Memory> {
  const given = Object.fromEntries(c.shapes.map((shape, i) => [`x${i}`, createTensor('float32', shape, floats[i])]))
  return c.ids ? { ...given, ids: createTensor('int32', c.ids.shape, ids) } : given
}

describe.each(cases)('$name', (c) => {
  test('has the same values in TF.js and, traced with open sizes, in ONNX Runtime', async () => {
    const { floats, ids, weight } = inputsOf(c)
    const expected = judge(c, floats, ids, weight).value
    const graph = new GraphBuilder()
    const op: Primitives<{ name: string }> = tracer({ at: graph })
    const names = [...c.shapes.map((_, i) => ({ name: `x${i}` })), ...(c.ids ? [{ name: 'ids' }] : [])]
    graph.nodeInto('Identity', [c.f(op, names)], {}, [{ name: 'y' }])
    const inputs: Port[] = c.shapes.map((s, i) => ({
      name: `x${i}`,
      dtype: 'float32',
      shape: open(s, c.ids ? 'table' : `d${i}_`),
    }))
    if (c.ids) inputs.push({ name: 'ids', dtype: 'int32', shape: open(c.ids.shape, 'n') })
    const port: Port = { name: 'y', dtype: 'float32', shape: expected.shape }
    const out = await runOnnx(graph.model('test', inputs, [port]), feeds(c, floats, ids), [port])
    expectClose(out['y']!.data as Float32Array, expected.dataSync(), EXACT)
  })

  test('has the same gradients by our rules, by TF.js and by central differences', async () => {
    const { floats, ids, weight } = inputsOf(c)
    const expected = judge(c, floats, ids, weight)
    const got = await ours(c, floats, ids, weight)
    expectClose(got.value.data as Float32Array, expected.value.dataSync(), EXACT)
    for (const [i, grad] of got.grads.entries()) expectClose(grad, expected.grads[i]!, { ...EXACT, what: `d x${i}` })
    if (c.smooth === false) return
    const half = 1e-2
    for (const [i, data] of floats.entries())
      for (const j of [0, Math.floor(data.length / 2), data.length - 1]) {
        const at = (delta: number) => {
          const moved = floats.map((x) => x.slice())
          moved[i]![j]! += delta
          return judge(c, moved, ids, weight).loss
        }
        expectClose([got.grads[i]![j]!], [(at(half) - at(-half)) / (2 * half)], {
          ...DIFFERENCES,
          what: `d x${i}[${j}]`,
        })
      }
  })
})

test('every primitive of the vocabulary has a case', () => {
  const op = eager(tf)
  const used = new Set<string>()
  const spy = new Proxy(op, {
    get(target, name: keyof typeof op) {
      used.add(name)
      return target[name]
    },
  })
  for (const c of cases) {
    const { floats, ids } = inputsOf(c)
    const given = floats.map((data, i) => tf.tensor(data, [...c.shapes[i]!]))
    c.f<Tensor>(spy, c.ids ? [...given, tf.tensor(ids, [...c.ids.shape], 'int32')] : given)
  }
  expect(Object.keys(op).filter((name) => !used.has(name))).toEqual([])
})
