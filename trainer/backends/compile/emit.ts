/** Writes a tape as ONNX: the exporter's tracer plus the operations that only derivatives need. */
import { elementTypes, type Value } from '../../../exporter/onnx/graph.ts'
import { type Cursor, scan, tracer } from '../../../exporter/trace.ts'
import type { Emitter } from './tape.ts'

/** What matrix products are computed in; everything else stays in float32. */
export type Precision = 'float32' | 'float16' | 'bfloat16'
/** TensorProto.DataType. */
const codes = { ...elementTypes, float16: 10, bfloat16: 16 }

/** The emitter through which a tape becomes nodes of the graph at the cursor. */
export function onnxEmitter(cursor: Cursor, precision: Precision = 'float32'): Emitter<Value> {
  const ints = (values: readonly number[]) => cursor.at.constant('int64', [values.length], values)
  const cast = (x: Value) => cursor.at.node('Cast', [x], { to: { int: elementTypes.float32 } })[0]!
  const traced = tracer(cursor)
  /** The product of both, rounded to the precision, in float32 again. */
  const product = (a: Value, b: Value, multiply: (a: Value, b: Value) => Value): Value => {
    if (precision === 'float32') return multiply(a, b)
    const rounded = (x: Value) => cursor.at.node('Cast', [x], { to: { int: codes[precision] } })[0]!
    return cast(multiply(rounded(a), rounded(b)))
  }
  return {
    ...traced,
    matmul: (a, b) => product(a, b, (left, right) => traced.matmul(left, right)),
    gemm: (a, b, transposeA, transposeB) =>
      product(a, b, (left, right) => {
        const flags = { transA: { int: transposeA ? 1 : 0 }, transB: { int: transposeB ? 1 : 0 } }
        return cursor.at.node('Gemm', [left, right], flags)[0]!
      }),
    reduce: (x, axes) => cursor.at.node('ReduceSum', [x, ints(axes)], { keepdims: { int: 1 } })[0]!,
    expand: (x, shape) => cursor.at.node('Expand', [x, ints(shape)])[0]!,
    float: cast,
    equal: (a, b) => cast(cursor.at.node('Equal', [a, b])[0]!),
    scatterRows(ids, g, shape) {
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
