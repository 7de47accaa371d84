import { describe, expect, test } from 'vitest'
import { decoderOps } from '../../exporter/kernels.ts'
import { GraphBuilder, type Value } from '../../exporter/onnx/graph.ts'
import { openGraph } from '../../runtime/open-graph.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { expectClose } from '../support/all-close.ts'

const WIDTH = 8
const EPS = 1e-5
const random = (seed: number) => Float32Array.from({ length: 3 * WIDTH }, (_, i) => Math.sin(seed + 1.7 * i))

/** Weights that double. */
const TWICE = Float32Array.from({ length: WIDTH * WIDTH }, (_, i) => (i % (WIDTH + 1) === 0 ? 2 : 0))

/** A graph over a, b (1,3,8) and a weight; `build` returns what it is to output beside the sum. */
function graphOf(
  build: (op: ReturnType<typeof decoderOps>, a: Value, b: Value, weight: Value, square: Value) => [Value, Value],
) {
  const graph = new GraphBuilder()
  const op = decoderOps({ at: graph }, 'fused')
  const weight = graph.initializer('weight', 'float32', [WIDTH], random(3).subarray(0, WIDTH))
  const square = graph.initializer('square', 'float32', [WIDTH, WIDTH], TWICE)
  const [sum, y] = build(op, { name: 'a' }, { name: 'b' }, weight, square)
  const made = graph.producer(sum)!.type
  const run = async () => {
    graph.output(y, 'y')
    graph.output(sum, 'sum')
    const ports = ['a', 'b', 'y', 'sum'].map((name) => ({ name, dtype: 'float32', shape: [1, 3, WIDTH] }) as const)
    const opened = await openGraph(graph.model('norm', ports.slice(0, 2), ports.slice(2)))
    const [out, total] = [createTensor('float32', [1, 3, WIDTH]), createTensor('float32', [1, 3, WIDTH])]
    const inputs = {
      a: createTensor('float32', [1, 3, WIDTH], random(1)),
      b: createTensor('float32', [1, 3, WIDTH], random(2)),
    }
    const binding = opened.bind(inputs, { y: out, sum: total })
    await binding.run()
    binding.release()
    opened.close()
    return { y: out.data, sum: total.data }
  }
  return { made, run }
}

describe('the norm of a sum', () => {
  test('is one operator with the sum, and gives the values of both', async () => {
    const { made, run } = graphOf((op, a, b, weight, square) => {
      const sum = op.add(op.neg(a), op.matmul(b, square))
      return [sum, op.rmsNorm(sum, weight, EPS)]
    })
    expect(made).toBe('SkipSimplifiedLayerNormalization')
    const got = await run()
    const expected = Float32Array.from(random(1), (a, i) => -a + 2 * random(2)[i]!)
    expectClose(got.sum, expected)
    const weight = random(3)
    const norms = expected.map((x, i) => {
      const row = expected.subarray(Math.floor(i / WIDTH) * WIDTH, (Math.floor(i / WIDTH) + 1) * WIDTH)
      return (x / Math.sqrt(row.reduce((total, one) => total + one * one, 0) / WIDTH + EPS)) * weight[i % WIDTH]!
    })
    expectClose(got.y, norms, { absolute: 1e-5 })
  })

  test('stays two where the sum is that of a value and a bias', () => {
    const { made } = graphOf((op, a, _, weight) => {
      const sum = op.add(op.neg(a), weight)
      return [sum, op.rmsNorm(sum, weight, EPS)]
    })
    expect(made).toBe('Add')
  })

  test('stays two where neither is a product with weights: it may have another rank', () => {
    const { made } = graphOf((op, a, b, weight) => {
      const sum = op.add(op.neg(a), op.exp(b))
      return [sum, op.rmsNorm(sum, weight, EPS)]
    })
    expect(made).toBe('Add')
  })

  test('stays two where the sum has been read before', () => {
    const { made } = graphOf((op, a, b, weight, square) => {
      const sum = op.add(op.neg(a), op.matmul(b, square))
      const before = op.neg(sum)
      return [sum, op.add(before, op.rmsNorm(sum, weight, EPS))]
    })
    expect(made).toBe('Add')
  })
})
