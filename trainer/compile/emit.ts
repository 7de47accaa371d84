/** Writes a tape as ONNX: the exporter's tracer plus the operations that only derivatives need. */
import { elementTypes, type GraphBuilder, type Value } from '../../exporter/onnx/graph.ts'
import { tracer } from '../../exporter/trace.ts'
import type { Emitter } from './tape.ts'

/** The reader that a tape is replayed through to become nodes of `graph`. */
export function onnxEmitter(graph: GraphBuilder): Emitter<Value> {
  const ints = (values: readonly number[]) => graph.constant('int64', [values.length], values)
  const cast = (x: Value) => graph.node('Cast', [x], { to: { int: 1 } })[0]!
  return {
    ...tracer({ at: graph }),
    gemm: (a, b, transposeA, transposeB) =>
      graph.node('Gemm', [a, b], { transA: { int: transposeA ? 1 : 0 }, transB: { int: transposeB ? 1 : 0 } })[0]!,
    reduce: (x, axes) => graph.node('ReduceSum', [x, ints(axes)], { keepdims: { int: 1 } })[0]!,
    expand: (x, shape) => graph.node('Expand', [x, ints(shape)])[0]!,
    float: cast,
    equal: (a, b) => cast(graph.node('Equal', [a, b])[0]!),
    scatterRows(ids, g, shape) {
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
