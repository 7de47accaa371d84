/** Products with stored matrices, in float32 and in blocks. */
import type { ExternalPlace, GraphBuilder, Value } from '../onnx/graph.ts'

/** Where the parts of packed rows are. */
export interface PackedPlaces {
  readonly q: ExternalPlace
  readonly scales: ExternalPlace
  readonly zeros: ExternalPlace | null
}

/** How the rows of a product are stored: in blocks of `block` numbers, the last of which need not be full. */
export interface Layout {
  readonly bits: 4 | 8
  readonly block: number
  /** Numbers of a row, with those that `packExact` adds. */
  readonly width: number
  /** Whether blocks have a zero point of their own. */
  readonly zeros: boolean
}

/** x times the transpose of rows in blocks. */
export function packedProduct(
  graph: GraphBuilder,
  x: Value,
  values: readonly Value[],
  rows: number,
  { width, bits, block }: Layout,
): Value {
  const attributes = {
    K: { int: width },
    N: { int: rows },
    bits: { int: bits },
    block_size: { int: block },
    // The input is rounded to 8 bits in blocks, and multiplied in whole numbers.
    accuracy_level: { int: 4 },
  }
  return graph.node('MatMulNBits', [x, ...values], attributes, 1, 'com.microsoft')[0]!
}

/** x times the transpose of a weight (N, K): ONNX Runtime's own product packs the weight as it is. */
export function product(graph: GraphBuilder, x: Value, weight: Value, bias?: Value): Value {
  const y = graph.node('FusedMatMul', [x, weight], { transB: { int: 1 } }, 1, 'com.microsoft')[0]!
  return bias ? graph.node('Add', [y, bias])[0]! : y
}
