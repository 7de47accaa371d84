/**
 * Weights in blocks along the inputs, as ONNX Runtime's MatMulNBits takes them: w = scale (q - zero), with one scale and one
 * whole zero point for each block. Blocks are of 32 but where something else is said. 4-bit numbers stand two in a byte,
 * the even one in the low half.
 */
import type { QuantBlocks } from './sources/source.ts'

export const BLOCK = 32

export interface PackedRows {
  /** [rows, blocks, block] in 8 bits, [rows, blocks, block / 2] in 4. */
  readonly q: Uint8Array
  /** [rows, blocks] */
  readonly scales: Float32Array
  /** [rows, ceil(blocks / 2)] of 4-bit numbers; none where all are the middle, 128 of 8 bits and 8 of 4. */
  readonly zeros: Uint8Array | null
}

/** Rows of `columns` numbers in 8 bits: the largest magnitude of a block is 127 steps. */
export function packInt8(data: Float32Array): PackedRows {
  const scales = new Float32Array(data.length / BLOCK)
  const q = new Uint8Array(data.length)
  for (let block = 0; block < scales.length; block++) {
    const from = block * BLOCK
    let largest = 0
    for (let i = from; i < from + BLOCK; i++) largest = Math.max(largest, Math.abs(data[i]!))
    const scale = Math.fround(largest / 127)
    scales[block] = scale
    for (let i = from; i < from + BLOCK; i++) q[i] = scale === 0 ? 128 : Math.round(data[i]! / scale) + 128
  }
  return { q, scales, zeros: null }
}

/** Shares of the full range that are tried as the range of a block: cutting off its ends may fit the rest better. */
const RANGES = [0.92, 0.96, 1, 1.03, 1.06, 1.1]

/**
 * Rows of `columns` numbers in 4 bits, in blocks of `size`; the scale and zero point of each are searched for the least
 * squared error.
 */
export function packInt4(data: Float32Array, columns: number, size: number): PackedRows {
  const scales = new Float32Array(data.length / size)
  const zeros = new Uint8Array(scales.length)
  const q = new Uint8Array(data.length)
  for (let block = 0; block < scales.length; block++) {
    const from = block * size
    const { step, scale, zero } = bestFit(data, from, from + size)
    scales[block] = scale
    zeros[block] = zero
    for (let i = from; i < from + size; i++) q[i] = levelOf(data[i]! / step, zero) + zero
  }
  return { q: nibbles(q), scales, zeros: zeroPoints(zeros, columns / size) }
}

interface Fit {
  /** By which levels are found, and by which they are multiplied: the latter fits all of them best. */
  readonly step: number
  readonly scale: number
  readonly zero: number
}

/** The level, less its zero point, of a number that has been divided by the step. */
function levelOf(x: number, zero: number): number {
  const level = Math.round(x)
  return level < -zero ? -zero : level > 15 - zero ? 15 - zero : level
}

/** Numbers from `from` to `to`. This is where an import spends its time, so it neither calls nor makes anything. */
function bestFit(data: Float32Array, from: number, to: number): Fit {
  let [low, high, all] = [0, 0, 0]
  for (let i = from; i < to; i++) {
    const x = data[i]!
    if (x < low) low = x
    if (x > high) high = x
    all += x * x
  }
  const whole = (high - low) / 15
  if (whole === 0) return { step: 1, scale: 0, zero: 0 }
  const middle = Math.round(-low / whole)
  let [bestStep, bestScale, bestZero, least] = [whole, whole, middle, Infinity]
  for (let zero = Math.max(0, middle - 1); zero <= Math.min(15, middle + 1); zero++)
    for (let range = 0; range < RANGES.length; range++) {
      const step = whole * RANGES[range]!
      const inverse = 1 / step
      let [both, square] = [0, 0]
      for (let i = from; i < to; i++) {
        const x = data[i]!
        const c = levelOf(x * inverse, zero)
        both += c * x
        square += c * c
      }
      const scale = square > 0 ? both / square : step
      const error = all - 2 * scale * both + scale * scale * square
      if (error < least) [bestStep, bestScale, bestZero, least] = [step, scale, zero, error]
    }
  return { step: bestStep, scale: bestScale, zero: bestZero }
}

/** Two 4-bit numbers in a byte, the even one in the low half. */
export function nibbles(q: Uint8Array): Uint8Array {
  const out = new Uint8Array(q.length / 2)
  for (let i = 0; i < out.length; i++) out[i] = q[2 * i]! | (q[2 * i + 1]! << 4)
  return out
}

/** 4-bit zero points, each row of blocks filled up to whole bytes. */
function zeroPoints(zeros: Uint8Array, blocks: number): Uint8Array {
  const bytes = Math.ceil(blocks / 2)
  const out = new Uint8Array((zeros.length / blocks) * bytes)
  for (let i = 0; i < zeros.length; i++) {
    const [row, block] = [Math.floor(i / blocks), i % blocks]
    out[row * bytes + (block >> 1)]! |= zeros[i]! << (block % 2 === 0 ? 0 : 4)
  }
  return out
}

/**
 * 4-bit blocks with any minimum as they are: the zero point is rounded, and what that leaves of each block, minimum +
 * zero scale, is a weight of its own. It belongs to one column more for each block, which holds the sum of the block's
 * inputs; the weights of these columns, filled up to whole blocks, are in 4 bits themselves.
 */
export function packExact(blocks: QuantBlocks): PackedRows {
  const { rows, columns, q, scale, minimum } = blocks
  const count = columns / BLOCK
  const extra = Math.ceil(count / BLOCK)
  const zeros = new Uint8Array(rows * count)
  const rest = new Float32Array(rows * extra * BLOCK)
  for (let i = 0; i < zeros.length; i++) {
    const [d, m] = [scale[i]!, minimum[i]!]
    const zero = d === 0 ? 0 : Math.min(15, Math.max(0, Math.round(-m / d)))
    zeros[i] = zero
    const [row, block] = [Math.floor(i / count), i % count]
    rest[row * extra * BLOCK + block] = m + zero * d
  }
  const remainder = packInt4(rest, extra * BLOCK, BLOCK)
  const restZeros = unpackedZeros(remainder.zeros!, rows, extra)
  return {
    q: joinRows(rows, nibbles(q), remainder.q),
    scales: joinRows(rows, scale, remainder.scales),
    zeros: zeroPoints(joinRows(rows, zeros, restZeros), count + extra),
  }
}

function unpackedZeros(packed: Uint8Array, rows: number, blocks: number): Uint8Array {
  const bytes = Math.ceil(blocks / 2)
  return Uint8Array.from({ length: rows * blocks }, (_, i) => {
    const [row, block] = [Math.floor(i / blocks), i % blocks]
    return (packed[row * bytes + (block >> 1)]! >> (block % 2 === 0 ? 0 : 4)) & 15
  })
}

/** Each row of `left`, then the same row of `right`. */
function joinRows<A extends Uint8Array | Float32Array>(rows: number, left: A, right: A): A {
  const [a, b] = [left.length / rows, right.length / rows]
  const Numbers = left.constructor as new (length: number) => A
  const out = new Numbers(left.length + right.length)
  for (let row = 0; row < rows; row++) {
    out.set(left.subarray(row * a, (row + 1) * a), row * (a + b))
    out.set(right.subarray(row * b, (row + 1) * b), row * (a + b) + a)
  }
  return out
}
