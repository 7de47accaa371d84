/** The 4- and 8-bit blocks of a GGUF file as numbers, scales and minima, exactly as they are stored. */
import type { BlockKind, QuantBlocks } from '../contract.ts'
import { half } from './dequantize.ts'
import type { RowMapping } from './mapping.ts'
import { readRowsOf, rowLength, type WantedRow } from './rows.ts'

const BLOCK = 32

/** How one block is unpacked: `q` gets 32 numbers from `to` on; the result is the minimum. */
interface Unpack {
  readonly bits: 4 | 8
  readonly bytes: number
  readonly one: (bytes: Uint8Array, at: number, q: Uint8Array, to: number) => number
}

const formats: Readonly<Record<BlockKind, Unpack>> = {
  Q4_0: {
    bits: 4,
    bytes: 18,
    one(bytes, at, q, to) {
      nibbles(bytes, at + 2, q, to)
      return -8 * half(bytes, at)
    },
  },
  Q4_1: {
    bits: 4,
    bytes: 20,
    one(bytes, at, q, to) {
      nibbles(bytes, at + 4, q, to)
      return half(bytes, at + 2)
    },
  },
  Q8_0: {
    bits: 8,
    bytes: 34,
    one(bytes, at, q, to) {
      for (let i = 0; i < BLOCK; i++) q[to + i] = (bytes[at + 2 + i]! + 128) & 255
      return -128 * half(bytes, at)
    },
  },
}

/** The kind of blocks that all parts of a mapping have and that can be kept; null where there is none. */
export function blockKindOf({ parts, columns }: RowMapping): BlockKind | null {
  const [first] = parts
  const kept = parts.every(({ type }) => type === first!.type) && blockOrder(columns, rowLength(first!)) !== undefined
  return kept && first!.type.name in formats ? (first!.type.name as BlockKind) : null
}

/** Returns the blocks of a mapping in the published order; undefined where its parts have no such blocks to keep. */
export async function readBlocks(
  { parts, columns }: RowMapping,
  wanted: readonly WantedRow[][],
): Promise<QuantBlocks | undefined> {
  const kind = blockKindOf({ shape: [], parts, ...(columns ? { columns } : {}) })
  if (kind === null) return undefined
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
        scale[target] = half(bytes, at + from * format.bytes)
        minimum[target] = format.one(bytes, at + from * format.bytes, q, target * BLOCK)
      }
    })
  }
  return { bits: format.bits, rows, columns: width, q, scale, minimum }
}

/** Low halves of 16 bytes are the first 16 numbers, high halves the others. */
function nibbles(bytes: Uint8Array, at: number, q: Uint8Array, to: number): void {
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
