/** Numbers that describe a memory: its rank, how alike its slots are, how it moves and how long a write stays. */
import { singularValues } from './singular-values.ts'

/** A value at a number of tokens. */
export interface Point {
  readonly at: number
  readonly value: number
}

/**
 * exp of the entropy of the singular values as shares of their sum, the mean over the matrices of a tensor (..., rows,
 * columns); 0 for zeros. Roy and Vetterli, "The effective rank", 2007.
 */
export function effectiveRank(values: Float32Array, shape: readonly number[]): number {
  const [rows, columns] = shape.slice(-2) as [number, number]
  const ranks = chunks(values, rows * columns).map((matrix) => {
    const sigma = singularValues(matrix, rows, columns)
    return sigma[0] === 0 ? 0 : Math.exp(entropy(sigma))
  })
  return mean(ranks)
}

/** The mean cosine between two slots (rows) of the same matrix: 1 when all have become the same; rows of zeros are left out. */
export function slotCosine(values: Float32Array, shape: readonly number[]): number | null {
  const [rows, columns] = shape.slice(-2) as [number, number]
  const found = chunks(values, rows * columns).flatMap((matrix) => {
    const units = chunks(matrix, columns).filter((row) => dot(row, row) > 0)
    return units.flatMap((a, i) => units.slice(i + 1).map((b) => cosine(a, b)!))
  })
  return found.length === 0 ? null : mean(found)
}

/** Cosine of the angle between two vectors; null where one of them is zero. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number | null {
  const lengths = Math.sqrt(dot(a, a)) * Math.sqrt(dot(b, b))
  return lengths === 0 ? null : Math.max(-1, Math.min(1, dot(a, b) / lengths))
}

/** How much of `first` there still is in `now`, along its direction; null where it was zero. */
export function remainder(now: ArrayLike<number>, first: ArrayLike<number>): number | null {
  const square = dot(first, first)
  return square === 0 ? null : dot(now, first) / square
}

/** Where a curve first falls below a half, between two points by a straight line; null when it never does. */
export function halfLife(curve: readonly Point[]): number | null {
  const after = curve.findIndex(({ value }) => value < 0.5)
  if (after === -1) return null
  const [a, b] = [curve[after - 1], curve[after]!]
  return a === undefined ? b.at : a.at + ((a.value - 0.5) / (a.value - b.value)) * (b.at - a.at)
}

/** Entropy in nats of what is not negative, as shares of its sum; 0 where all is zero. */
export function entropy(weights: ArrayLike<number>): number {
  let total = 0
  for (let i = 0; i < weights.length; i++) total += weights[i]!
  let sum = 0
  for (let i = 0; i < weights.length; i++)
    if (weights[i]! > 0) sum -= (weights[i]! / total) * Math.log(weights[i]! / total)
  return sum
}

/** 0 of nothing. */
export const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((a, b) => a + b, 0) / values.length

/** The median, the lower one of the two in the middle of an even count. */
export const median = (values: readonly number[]): number | undefined =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]

/** Splits values into chunks of `size`, which share their memory. */
export function chunks(values: Float32Array, size: number): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, i) => values.subarray(i * size, (i + 1) * size))
}

/** Euclidean length of a - b. */
export function distance(a: Float32Array, b: Float32Array): number {
  return Math.sqrt(a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0))
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
