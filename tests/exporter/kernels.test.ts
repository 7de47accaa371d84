import { expect, test } from 'vitest'
import { decoderOps, type Kernels } from '../../exporter/kernels.ts'
import { GraphBuilder, type Port } from '../../exporter/onnx/graph.ts'
import { withComposites } from '../../models/composites.ts'
import type { Ops } from '../../models/ops.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import { loadTensorFlow, type Tensor as Eager } from '../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../trainer/backends/tensorflow/ops.ts'
import { Random } from '../../trainer/random.ts'
import { expectClose } from '../support/all-close.ts'
import { runOnnx } from '../support/run-onnx.ts'

const TIME = 5

/** Two of each memory operator, of two sizes, on the same inputs. */
const shapes: Record<string, readonly number[]> = {
  x: [1, TIME, 6],
  weight3: [3, 6],
  weight2: [2, 6],
  past2: [1, 6, 2],
  past1: [1, 6, 1],
  k: [1, TIME, 1, 4],
  v: [1, TIME, 1, 2],
  g: [1, TIME, 1, 1],
  beta: [1, TIME, 1, 1],
  memory: [1, 1, 4, 2],
  wideK: [1, TIME, 2, 2],
  wideV: [1, TIME, 2, 3],
  wideG: [1, TIME, 2, 1],
  wideBeta: [1, TIME, 2, 1],
  wideMemory: [1, 2, 2, 3],
  B: [1, TIME, 3],
  A: [6, 3],
  h: [1, 6, 3],
  half: [1, TIME, 4],
  halfA: [4, 3],
  halfH: [1, 4, 3],
}

function outputs<T>(op: Ops<T>, t: Record<string, T>): T[] {
  const conv = (weight: T, past: T, size: number) => op.causalConv({ x: t['x']!, weight, past, size })
  const delta = (k: T, v: T, g: T, beta: T, memory: T, [heads, keys, values]: readonly [number, number, number]) =>
    op.gatedDelta({ q: k, k, v, g, beta, memory, heads, keys, values, decay: 'head' })
  const scan = (x: T, A: T, memory: T, channels: number) =>
    op.selectiveScan({ x, dt: op.sigmoid(x), A: op.neg(op.exp(A)), B: t['B']!, C: t['B']!, memory, channels })
  return [
    conv(t['weight3']!, t['past2']!, 3),
    conv(t['weight2']!, t['past1']!, 2),
    delta(t['k']!, t['v']!, t['g']!, t['beta']!, t['memory']!, [1, 4, 2]),
    delta(t['wideK']!, t['wideV']!, t['wideG']!, t['wideBeta']!, t['wideMemory']!, [2, 2, 3]),
    scan(t['x']!, t['A']!, t['h']!, 6),
    scan(t['half']!, t['halfA']!, t['halfH']!, 4),
  ].flatMap((both) => Object.values(both))
}

test.each<Kernels>(['fused', 'portable'])(
  'memory operators of several sizes in one graph keep their own sizes: %s',
  async (kernels) => {
    const random = new Random('kernels')
    const values = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => {
        const numbers = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.5 * random.normal())
        return [
          name,
          createTensor('float32', shape, name.toLowerCase().endsWith('g') ? numbers.map((x) => -x * x) : numbers),
        ]
      }),
    )
    const { tf } = await loadTensorFlow('cpu')
    const given = Object.fromEntries(
      Object.entries(values).map(([name, { dims, data }]) => [name, tf.tensor(data, [...dims])]),
    )
    const expected = outputs<Eager>(withComposites<Eager>(eager(tf)), given)

    const graph = new GraphBuilder()
    const named = Object.fromEntries(Object.keys(shapes).map((name) => [name, { name }]))
    const results = outputs(decoderOps({ at: graph }, kernels), named)
    for (const [i, value] of results.entries()) graph.output(value, `out${i}`)
    const ports = (all: [string, readonly number[]][]): Port[] =>
      all.map(([name, shape]) => ({ name, dtype: 'float32', shape }))
    const out = ports(expected.map((t, i) => [`out${i}`, t.shape]))
    const got: Record<string, Tensor> = await runOnnx(
      graph.model('sizes', ports(Object.entries(shapes)), out),
      values,
      out,
    )
    for (const [i, t] of expected.entries())
      expectClose(got[`out${i}`]!.data as Float32Array, t.dataSync(), {
        absolute: 1e-5,
        relative: 1e-4,
        what: `output ${i}`,
      })
    expect(expected).toHaveLength(12)
  },
)
