/** Each expert's matrix out of a parameter that has those of all experts, one below the other in one place. */
import type { ExpertMatrices } from '../expert-kernels.ts'
import type { ExternalWeights } from '../onnx/external-weights.ts'
import type { ElementType, ExternalPlace, GraphBuilder, Value } from '../onnx/graph.ts'
import { packedProduct, product, type Layout, type PackedPlaces } from './products.ts'

export interface Stack {
  readonly graph: GraphBuilder
  readonly external: ExternalWeights
  /** Of the parameter (experts, rows, columns). */
  readonly path: string
  readonly experts: number
  readonly rows: number
  readonly columns: number
}

export function floatMatrices(stack: Stack, place: ExternalPlace): ExpertMatrices {
  const { graph, rows, columns } = stack
  return {
    prepare: (x) => x,
    multiply: (x, expert) => product(graph, x, part(stack, expert, '', 'float32', [rows, columns], place)),
    alone: false,
  }
}

export function packedMatrices(
  stack: Stack,
  { layout, places }: { readonly layout: Layout; readonly places: PackedPlaces },
  prepare: ExpertMatrices['prepare'],
): ExpertMatrices {
  const { graph, rows } = stack
  const { width, block, bits } = layout
  const blocks = Math.ceil(width / block)
  return {
    prepare,
    multiply(x, expert) {
      const q = part(stack, expert, '.q', 'uint8', [rows, blocks, (block * bits) / 8], places.q)
      const scales = part(stack, expert, '.scales', 'float32', [rows, blocks], places.scales)
      const values = [q, scales]
      if (places.zeros) values.push(part(stack, expert, '.zeros', 'uint8', [rows, Math.ceil(blocks / 2)], places.zeros))
      return packedProduct(graph, x, values, rows, layout)
    },
    // On some CPUs, ONNX Runtime's product with 4 bits rounds one row otherwise than several.
    alone: bits === 4,
  }
}

/** The part of a place that is `expert`'s. */
function part(
  { external, path, experts }: Stack,
  expert: number,
  name: string,
  dtype: ElementType,
  dims: readonly number[],
  whole: ExternalPlace,
): Value {
  const length = whole.length / experts
  const place = { location: whole.location, offset: whole.offset + expert * length, length }
  return external.alias(`${path}.${expert}${name}`, dtype, dims, place)
}
