/** Writes a tape as ONNX: the exporter's tracer plus the operations that only derivatives need. */
import { elementTypes, type GraphBuilder, type Value } from '../../../exporter/onnx/graph.ts'
import { tracer } from '../../../exporter/trace.ts'
import type { Emitter } from './tape.ts'

/** What matrix products are computed in; everything else stays in float32. TF32 is the device's own reading of float32. */
export type Precision = 'float32' | 'tf32' | 'float16' | 'bfloat16'
/** TensorProto.DataType. */
const codes = { ...elementTypes, float16: 10, bfloat16: 16 }

/** How a graph computes what a tape says. */
export interface Arithmetic {
  readonly precision: Precision
  /**
   * Sums rows of equal ids as a product with their one-hot matrix, where the device's ScatterElements adds in no fixed
   * order (cuda).
   */
  readonly scatterByProduct?: boolean
}

/** The reader that a tape is replayed through to become nodes of `graph`. */
export function onnxEmitter(graph: GraphBuilder, arithmetic: Arithmetic = { precision: 'float32' }): Emitter<Value> {
  const { precision, scatterByProduct = false } = arithmetic
  const ints = (values: readonly number[]) => graph.constant('int64', [values.length], values)
  const cast = (x: Value) => graph.node('Cast', [x], { to: { int: elementTypes.float32 } })[0]!
  const traced = tracer({ at: graph })
  /** The product of both, rounded to the precision, in float32 again. */
  const product = (a: Value, b: Value, multiply: (a: Value, b: Value) => Value): Value => {
    if (precision === 'float32' || precision === 'tf32') return multiply(a, b)
    const rounded = (x: Value) => graph.node('Cast', [x], { to: { int: codes[precision] } })[0]!
    return cast(multiply(rounded(a), rounded(b)))
  }
  const gemm = (a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value => {
    const flags = { transA: { int: transposeA ? 1 : 0 }, transB: { int: transposeB ? 1 : 0 } }
    return graph.node('Gemm', [a, b], flags)[0]!
  }
  return {
    ...traced,
    matmul: (a, b) => product(a, b, (left, right) => traced.matmul(left, right)),
    gemm: (a, b, transposeA, transposeB) => product(a, b, (left, right) => gemm(left, right, transposeA, transposeB)),
    reduce: (x, axes) => graph.node('ReduceSum', [x, ints(axes)], { keepdims: { int: 1 } })[0]!,
    expand: (x, shape) => graph.node('Expand', [x, ints(shape)])[0]!,
    float: cast,
    equal: (a, b) => cast(graph.node('Equal', [a, b])[0]!),
    scatterRows(ids, g, shape) {
      if (scatterByProduct) return gemm(traced.oneHot(traced.reshape(ids, [-1]), shape[0]), g, true, false)
      const zeros = graph.node('Expand', [graph.constant('float32', [], [0]), ints(shape)])[0]!
      const everywhere = graph.node('Expand', [ids, ints([1, shape[1]])])[0]!
      // ScatterElements adds in order; ScatterND in parallel, where equal ids would race
      return graph.node('ScatterElements', [zeros, everywhere, g], {
        axis: { int: 0 },
        reduction: { string: 'add' },
      })[0]!
    },
    rotary: (x, cos, sin) =>
      graph.node('RotaryEmbedding', [x, ints([0]), cos, sin], { interleaved: { int: 0 } }, 1, 'com.microsoft')[0]!,
    quantize(x, scale, dtype) {
      const units = graph.node('Reshape', [scale, ints([-1])])[0]!
      const type = { int: elementTypes[dtype] }
      return graph.node('QuantizeLinear', [x, units], { axis: { int: 0 }, output_dtype: type })[0]!
    },
    dequantize: (x, scale) =>
      graph.node('DequantizeLinear', [x, graph.node('Reshape', [scale, ints([-1])])[0]!], { axis: { int: 0 } })[0]!,
    pick: (x, ids) => graph.node('GatherElements', [x, ids], { axis: { int: 1 } })[0]!,
    addAt: (x, ids, values) =>
      graph.node('ScatterElements', [x, ids, values], { axis: { int: 1 }, reduction: { string: 'add' } })[0]!,
  }
}
