/** Writes a tape as ONNX: the exporter's tracer plus the operations that only derivatives need. */
import { elementTypes, type Value } from '../../../exporter/onnx/graph.ts'
import { type Cursor, scan, tracer } from '../../../exporter/trace.ts'
import type { Emitter } from './tape.ts'

/** What matrix products are computed in; everything else stays in float32. TF32 is how the device itself multiplies float32. */
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

/** The emitter through which a tape becomes nodes of the graph at the cursor. */
export function onnxEmitter(cursor: Cursor, arithmetic: Arithmetic = { precision: 'float32' }): Emitter<Value> {
  const { precision, scatterByProduct = false } = arithmetic
  const ints = (values: readonly number[]) => cursor.at.constant('int64', [values.length], values)
  const cast = (x: Value) => cursor.at.node('Cast', [x], { to: { int: elementTypes.float32 } })[0]!
  const traced = tracer(cursor)
  /** The product of both, rounded to the precision, in float32 again. */
  const product = (a: Value, b: Value, multiply: (a: Value, b: Value) => Value): Value => {
    if (precision === 'float32' || precision === 'tf32') return multiply(a, b)
    const rounded = (x: Value) => cursor.at.node('Cast', [x], { to: { int: codes[precision] } })[0]!
    return cast(multiply(rounded(a), rounded(b)))
  }
  const gemm = (a: Value, b: Value, transposeA: boolean, transposeB: boolean): Value => {
    const flags = { transA: { int: transposeA ? 1 : 0 }, transB: { int: transposeB ? 1 : 0 } }
    return cursor.at.node('Gemm', [a, b], flags)[0]!
  }
  return {
    ...traced,
    matmul: (a, b) => product(a, b, (left, right) => traced.matmul(left, right)),
    gemm: (a, b, transposeA, transposeB) => product(a, b, (left, right) => gemm(left, right, transposeA, transposeB)),
    reduce: (x, axes) => cursor.at.node('ReduceSum', [x, ints(axes)], { keepdims: { int: 1 } })[0]!,
    expand: (x, shape) => cursor.at.node('Expand', [x, ints(shape)])[0]!,
    float: cast,
    equal: (a, b) => cast(cursor.at.node('Equal', [a, b])[0]!),
    scatterRows(ids, g, shape) {
      if (scatterByProduct) return gemm(traced.oneHot(traced.reshape(ids, [-1]), shape[0]), g, true, false)
      const zeros = cursor.at.node('Expand', [cursor.at.constant('float32', [], [0]), ints(shape)])[0]!
      const everywhere = cursor.at.node('Expand', [ids, ints([1, shape[1]])])[0]!
      // ScatterElements adds in order; ScatterND in parallel, where equal ids would race
      return cursor.at.node('ScatterElements', [zeros, everywhere, g], {
        axis: { int: 0 },
        reduction: { string: 'add' },
      })[0]!
    },
    rotary: (x, cos, sin) =>
      cursor.at.node('RotaryEmbedding', [x, ints([0]), cos, sin], { interleaved: { int: 0 } }, 1, 'com.microsoft')[0]!,
    quantize(x, scale, dtype) {
      const units = cursor.at.node('Reshape', [scale, ints([-1])])[0]!
      const type = { int: elementTypes[dtype] }
      return cursor.at.node('QuantizeLinear', [x, units], { axis: { int: 0 }, output_dtype: type })[0]!
    },
    dequantize: (x, scale) =>
      cursor.at.node('DequantizeLinear', [x, cursor.at.node('Reshape', [scale, ints([-1])])[0]!], {
        axis: { int: 0 },
      })[0]!,
    loop: (loop) => scan(cursor, loop),
    pick: (x, ids) => cursor.at.node('GatherElements', [x, ids], { axis: { int: 1 } })[0]!,
    addAt: (x, ids, values) =>
      cursor.at.node('ScatterElements', [x, ids, values], { axis: { int: 1 }, reduction: { string: 'add' } })[0]!,
  }
}
