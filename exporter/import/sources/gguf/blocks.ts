/** The 4- and 8-bit blocks of a GGUF file as numbers, scales and minima, exactly as they are stored. */
import type { BlockKind, QuantBlocks } from '../contract.ts'
import { half } from './dequantize.ts'
import { sixBitMinimum, sixBitScale } from './dequantize-k.ts'
import type { RowMapping } from './mapping.ts'
import { readRowsOf, rowLength, type WantedRow } from './rows.ts'

const BLOCK = 32

/** How blocks are unpacked. */
interface Unpack {
  readonly bits: 4 | 8
  /** Blocks of 32 that the file stores together, and the bytes that they take. */
  readonly together: number
  readonly bytes: number
  /** Block `which` of those at `at`: its numbers go into `q` from `to` on. */
  readonly one: (bytes: Uint8Array, at: number, which: number, q: Uint8Array, to: number) => Scaling
}

/** w = scale q + minimum. */
interface Scaling {
  readonly scale: number
  readonly minimum: number
}

const formats: Readonly<Record<Exclude<BlockKind, 'other'>, Unpack>> = {
  Q4_0: {
    bits: 4,
    together: 1,
    bytes: 18,
    one(bytes, at, _, q, to) {
      halves(bytes, at + 2, q, to)
      const scale = half(bytes, at)
      return { scale, minimum: -8 * scale }
    },
  },
  Q4_1: {
    bits: 4,
    together: 1,
    bytes: 20,
    one(bytes, at, _, q, to) {
      halves(bytes, at + 4, q, to)
      return { scale: half(bytes, at), minimum: half(bytes, at + 2) }
    },
  },
  Q8_0: {
    bits: 8,
    together: 1,
    bytes: 34,
    one(bytes, at, _, q, to) {
      for (let i = 0; i < BLOCK; i++) q[to + i] = (bytes[at + 2 + i]! + 128) & 255
      const scale = half(bytes, at)
      return { scale, minimum: -128 * scale }
    },
  },
  Q4_K: {
    bits: 4,
    together: 8,
    bytes: 144,
    one(bytes, at, which, q, to) {
      // Two blocks share 32 bytes: the first has the low halves.
      const [from, shift] = [at + 16 + 32 * (which >> 1), which % 2 === 0 ? 0 : 4]
      for (let i = 0; i < BLOCK; i++) q[to + i] = (bytes[from + i]! >> shift) & 15
      const scale = half(bytes, at) * sixBitScale(bytes, at + 4, which)
      const minimum = half(bytes, at + 2) * sixBitMinimum(bytes, at + 4, which)
      return { scale, minimum: -minimum }
    },
  },
}

/** The kind of blocks that all parts of a mapping have and that can be kept; null where none has blocks. */
export function blockKindOf({ parts, columns }: RowMapping): BlockKind | null {
  const [first] = parts
  if (parts.every(({ type }) => type.block === 1)) return null
  const kept = parts.every(({ type }) => type === first!.type) && blockOrder(columns, rowLength(first!)) !== undefined
  return kept && Object.hasOwn(formats, first!.type.name) ? (first!.type.name as BlockKind) : 'other'
}

/** Returns the blocks of a mapping in the published order; undefined where its parts have no such blocks to keep. */
export async function readBlocks(
  { parts, columns }: RowMapping,
  wanted: readonly WantedRow[][],
): Promise<QuantBlocks | undefined> {
  const kind = blockKindOf({ shape: [], parts, ...(columns ? { columns } : {}) })
  if (kind === null || kind === 'other') return undefined
  const format = formats[kind]
  const order = blockOrder(columns, rowLength(parts[0]!))!
  const rows = wanted.reduce((sum, part) => sum + part.length, 0)
  const width = rowLength(parts[0]!)
  const q = new Uint8Array(rows * width)
  const scale = new Float32Array((rows * width) / BLOCK)
  const minimum = new Float32Array(scale.length)
  for (const [part, rowsOfPart] of wanted.entries()) {
    await readRowsOf(parts[part]!, rowsOfPart, (bytes, at, to) => {
      for (const [index, from] of order.entries()) {
        const target = to * order.length + index
        const [group, which] = [Math.floor(from / format.together), from % format.together]
        const scaling = format.one(bytes, at + group * format.bytes, which, q, target * BLOCK)
        scale[target] = scaling.scale
        minimum[target] = scaling.minimum
      }
    })
  }
  return { bits: format.bits, rows, columns: width, q, scale, minimum }
}

/** Low halves of 16 bytes are the first 16 numbers, high halves the others. */
function halves(bytes: Uint8Array, at: number, q: Uint8Array, to: number): void {
  for (let i = 0; i < 16; i++) {
    q[to + i] = bytes[at + i]! & 15
    q[to + 16 + i] = bytes[at + i]! >> 4
  }
}

/** The stored block for each block of a row; undefined if columns move otherwise than in whole blocks. */
function blockOrder(columns: Int32Array | undefined, width: number): number[] | undefined {
  const count = width / BLOCK
  if (!columns) return Array.from({ length: count }, (_, index) => index)
  const order = Array.from({ length: count }, (_, index) => columns[index * BLOCK]! / BLOCK)
  const whole = columns.every((column, i) => column === order[Math.floor(i / BLOCK)]! * BLOCK + (i % BLOCK))
  return whole && order.every((block) => Number.isInteger(block)) ? order : undefined
}
