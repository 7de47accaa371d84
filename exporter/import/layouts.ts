/** Published tensors in our layouts. */
import type { Part } from './names.ts'

/** The transpose of a matrix; of a convolution [channels, 1, taps] the (taps, channels). */
export function transposed({ data, shape }: Part): Float32Array {
  const [rows, columns] = [shape[0]!, data.length / shape[0]!]
  const out = new Float32Array(data.length)
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) out[column * rows + row] = data[row * columns + column]!
  return out
}

/** Several convolutions as one over all their channels: (taps, channels). */
export function joinedConvolutions(parts: readonly Part[]): Float32Array {
  const channels = parts.reduce((sum, { shape }) => sum + shape[0]!, 0)
  const joined = new Float32Array(parts.reduce((sum, { data }) => sum + data.length, 0))
  let at = 0
  for (const { data } of parts) {
    joined.set(data, at)
    at += data.length
  }
  return transposed({ data: joined, shape: [channels, joined.length / channels] })
}

/** The rows of a matrix in the order of `rows`. */
export function rowsOf({ data, shape }: Part, rows: readonly number[]): Float32Array {
  const width = data.length / shape[0]!
  const out = new Float32Array(rows.length * width)
  for (const [at, row] of rows.entries()) out.set(data.subarray(row * width, (row + 1) * width), at * width)
  return out
}

/** Whole numbers from `from` up to but not including `to`. */
export const range = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step)

/** Each matrix of a stack [E, rows, columns] transposed. */
export function eachTransposed({ data, shape: [count, rows, columns] }: Part): Float32Array {
  const size = rows! * columns!
  const out = new Float32Array(data.length)
  for (let e = 0; e < count!; e++)
    out.set(transposed({ data: data.subarray(e * size, (e + 1) * size), shape: [rows!, columns!] }), e * size)
  return out
}

/** The even rows of each matrix of a stack [E, rows, ...] before its odd ones. */
export function evenBeforeOdd({ data, shape: [count, rows] }: Part): Float32Array {
  const size = data.length / count!
  const order = [...range(0, rows!, 2), ...range(1, rows!, 2)]
  const out = new Float32Array(data.length)
  for (let e = 0; e < count!; e++)
    out.set(rowsOf({ data: data.subarray(e * size, (e + 1) * size), shape: [rows!] }, order), e * size)
  return out
}
