/** Vectors as small integers: a quarter of the bytes, and how far their inner products can be from the true ones. */
import { CODES_ALIGNMENT, SCALE_BYTES } from './scan-kernel.ts'

const MOST = 127
const MOST_OF_QUERY = 32767
/** Products are added up in 32 bits. */
const MOST_SUM = 2 ** 31 - 1

/** Bytes of a row of codes with its scale. */
export function codesStrideOf(width: number): number {
  return Math.ceil(width / CODES_ALIGNMENT) * CODES_ALIGNMENT + SCALE_BYTES
}

/** Writes a row of codes and its scale. Returns the length of what they leave of the vector. */
export function writeCodes(vector: Float32Array, row: Uint8Array): number {
  const scale = Math.fround(largestOf(vector) / MOST)
  const codes = new Int8Array(row.buffer, row.byteOffset, vector.length)
  let rest = 0
  // By index: an iterator takes ten times as long.
  for (let i = 0; i < vector.length; i++) {
    const number = vector[i]!
    const code = scale === 0 ? 0 : Math.round(number / scale)
    codes[i] = code
    const left = number - scale * code
    rest += left * left
  }
  new Float32Array(row.buffer, row.byteOffset + row.length - SCALE_BYTES, 1)[0] = scale
  return Math.sqrt(rest)
}

/** Writes a query as integers of 16 bits. Returns what they are to be multiplied with. */
export function codesOfQuery(vector: Float32Array, codes: Int16Array): number {
  const most = Math.min(MOST_OF_QUERY, Math.floor(MOST_SUM / MOST / codes.length))
  const scale = largestOf(vector) / most
  if (scale > 0) for (let i = 0; i < vector.length; i++) codes[i] = Math.round(vector[i]! / scale)
  return scale
}

/**
 * How far an inner product of codes can be from that of float32, of vectors of at most that `length`, of which codes leave at most
 * that `rest` (Cauchy-Schwarz), with what both lose by rounding. NaN where a vector has one.
 */
export function errorOfCodes(query: Float32Array, scale: number, most: { length: number; rest: number }): number {
  const length = lengthOf(query)
  const restOfQuery = (scale / 2) * Math.sqrt(query.length)
  const rounding = (query.length / 16 + 16) * 2 ** -23 * length * (most.length + most.rest)
  return length * most.rest + restOfQuery * (most.length + most.rest) + rounding
}

export function lengthOf(vector: Float32Array): number {
  let sum = 0
  for (let i = 0; i < vector.length; i++) sum += vector[i]! * vector[i]!
  return Math.sqrt(sum)
}

function largestOf(vector: Float32Array): number {
  let largest = 0
  for (let i = 0; i < vector.length; i++) largest = Math.max(largest, Math.abs(vector[i]!))
  return largest
}
