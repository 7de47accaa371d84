/** How many numbers a published graph has, and in which form. */
import type { FileTensor, ModelFile } from '../../onnx/model-file.ts'
import type { WeightFormat } from '../weight-formats.ts'

/** TensorProto.DataType of float32, float16, double and bfloat16. */
const FLOATS = new Set([1, 10, 11, 16])
const UINT8 = 2
/** Operators (com.microsoft) with numbers in blocks, and which input these are. */
const BLOCKS: Readonly<Record<string, number>> = { MatMulNBits: 1, GatherBlockQuantized: 0 }
/** Inputs of MatMulNBits and GatherBlockQuantized (com.microsoft) that belong to the blocks: scales, zero points. */
const BLOCK_SIDES = [2, 3]

export interface WeightCounts {
  readonly parameters: number
  readonly stored: Readonly<Record<WeightFormat, number>>
  /** Whether numbers are rounded to fewer bits than float32 has, here or while it runs. */
  readonly rounded: boolean
}

/** Matrices in blocks count as what they stand for, not as their bytes. */
export function countWeights({ nodes, initializers }: ModelFile): WeightCounts {
  const stored = { float32: 0, int8: 0, int4: 0, exact: 0 }
  const sides = new Set<string>()
  const blocks = new Set<string>()
  for (const { type, inputs, attributes } of nodes) {
    const at = BLOCKS[type]
    const table = at === undefined ? undefined : initializers.get(inputs[at]!)
    if (!table || blocks.has(table.name)) continue
    blocks.add(table.name)
    for (const side of BLOCK_SIDES) sides.add(inputs[side] ?? '')
    const bits = Number(attributes.get('bits') ?? 4)
    const product = Number(attributes.get('K')) * Number(attributes.get('N'))
    stored[bits === 8 ? 'int8' : 'int4'] += type === 'MatMulNBits' ? product : numbersOf(table, bits)
  }
  const floats = [...initializers.values()].filter(({ name, type }) => FLOATS.has(type) && !sides.has(name))
  for (const tensor of floats) stored.float32 += sizeOf(tensor)
  const half = floats.some(({ type }) => type === 10 || type === 16)
  return {
    parameters: stored.float32 + stored.int8 + stored.int4,
    stored,
    rounded: stored.int8 + stored.int4 > 0 || half,
  }
}

/** Numbers of a table in blocks: several in each byte, or of a type of four bits. */
const numbersOf = (table: FileTensor, bits: number): number =>
  table.type === UINT8 ? (sizeOf(table) * 8) / bits : sizeOf(table)

const sizeOf = ({ dims }: FileTensor): number => dims.reduce((product, dim) => product * dim, 1)
