/**
 * Rows of a table in 8 or 4 bits: the file holds whole numbers and one step for each row, and the runtime multiplies
 * them when it loads the file. The numbers are those of `quantised` (models/composites.ts) to the last bit.
 */
import { SMALLEST_ROW } from '../models/composites.ts'
import type { GraphBuilder, Value } from './onnx/graph.ts'

export interface PackedRows {
  /** Int8Array, or two numbers from 1 to 15 in each byte, the even column in the low half. */
  readonly numbers: Int8Array | Uint8Array
  readonly steps: Float32Array
}

/** Packs a table of rows of `columns` numbers; for 4 bits `columns` must be even. */
export function packRows(data: Float32Array, columns: number, bits: 4 | 8): PackedRows {
  const rows = data.length / columns
  const levels = 2 ** (bits - 1) - 1
  const steps = new Float32Array(rows)
  const whole = new Int8Array(data.length)
  for (let row = 0; row < rows; row++) {
    const own = data.subarray(row * columns, (row + 1) * columns)
    const largest = own.reduce((most, x) => Math.max(most, Math.abs(x)), Math.fround(SMALLEST_ROW))
    steps[row] = largest / levels
    own.forEach((x, i) => (whole[row * columns + i] = roundToEven(Math.fround(x / steps[row]!))))
  }
  if (bits === 8) return { numbers: whole, steps }
  const pairs = Uint8Array.from(
    { length: data.length / 2 },
    (_, i) => (whole[2 * i]! + 8) | ((whole[2 * i + 1]! + 8) << 4),
  )
  return { numbers: pairs, steps }
}

/** Writes the packed rows into the graph under `name`; the value is the table (rows, columns) as float32. */
export function unpackedRows(
  graph: GraphBuilder,
  name: string,
  columns: number,
  bits: 4 | 8,
  { numbers, steps }: PackedRows,
): Value {
  const rows = steps.length
  const step = graph.initializer(`${name}.step`, 'float32', [rows, 1], steps)
  const whole =
    bits === 8
      ? float(graph, graph.initializer(`${name}.int8`, 'int8', [rows, columns], numbers))
      : halves(graph, graph.initializer(`${name}.int4`, 'uint8', [rows, columns / 2], numbers), columns)
  return graph.node('Mul', [whole, step])[0]!
}

/** The two numbers of each byte side by side, -7 to 7. */
function halves(graph: GraphBuilder, bytes: Value, columns: number): Value {
  const last = graph.constant('int64', [1], [-1])
  const low = graph.node('BitwiseAnd', [bytes, graph.constant('uint8', [], [15])])[0]!
  const high = graph.node('BitShift', [bytes, graph.constant('uint8', [], [4])], { direction: { string: 'RIGHT' } })[0]!
  const pair = [low, high].map((half) => graph.node('Unsqueeze', [half, last])[0]!)
  const joined = graph.node('Concat', pair, { axis: { int: -1 } })[0]!
  const table = graph.node('Reshape', [joined, graph.constant('int64', [2], [-1, columns])])[0]!
  return graph.node('Sub', [float(graph, table), graph.constant('float32', [], [8])])[0]!
}

const float = (graph: GraphBuilder, x: Value): Value => graph.node('Cast', [x], { to: { int: 1 } })[0]!

function roundToEven(x: number): number {
  const up = Math.round(x)
  return up - x === 0.5 && up % 2 !== 0 ? up - 1 : up
}
