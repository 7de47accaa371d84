/** Principal component analysis by subspace iteration (Golub & Van Loan, Matrix Computations, 8.2.4). */
import { Random } from '../random.ts'

const ROUNDS = 60

/** The `most` directions in which rows vary most about their mean, largest first, orthonormal: (most, width). */
export function principalAxes(rows: readonly Float32Array[], mean: Float64Array, most: number): Float64Array[] {
  const covariance = covarianceOf(rows, mean)
  const random = new Random('principal axes')
  const start = Array.from({ length: most }, () => Float64Array.from(mean, () => random.uniform() - 0.5))
  let axes: Float64Array[] = start
  for (let round = 0; round < ROUNDS; round++) axes = orthonormal(axes.map((axis) => times(covariance, axis)))
  return axes
}

export function meanOf(rows: readonly Float32Array[]): Float64Array {
  const mean = new Float64Array(rows[0]!.length)
  for (const row of rows) for (let i = 0; i < mean.length; i++) mean[i]! += row[i]! / rows.length
  return mean
}

/** A row along the axes, without the mean. */
export function projected(row: Float32Array, mean: Float64Array, axes: readonly Float64Array[]): Float32Array {
  const rest = Float64Array.from(row, (x, i) => x - mean[i]!)
  return Float32Array.from(axes, (axis) => dot(axis, rest))
}

function covarianceOf(rows: readonly Float32Array[], mean: Float64Array): Float64Array[] {
  const width = mean.length
  const sums = Array.from({ length: width }, () => new Float64Array(width))
  for (const row of rows) {
    const rest = Float64Array.from(row, (x, i) => x - mean[i]!)
    for (let i = 0; i < width; i++) {
      const [sum, x] = [sums[i]!, rest[i]! / rows.length]
      for (let j = 0; j < width; j++) sum[j]! += x * rest[j]!
    }
  }
  return sums
}

function times(matrix: readonly Float64Array[], vector: Float64Array): Float64Array {
  return Float64Array.from(matrix, (row) => dot(row, vector))
}

/** Gram and Schmidt, in the order of the vectors; twice, since once loses digits. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const found: Float64Array[] = []
  for (const vector of vectors) {
    const rest = vector.slice()
    for (let pass = 0; pass < 2; pass++)
      for (const axis of found) {
        const share = dot(axis, rest)
        for (let i = 0; i < rest.length; i++) rest[i]! -= share * axis[i]!
      }
    const length = Math.sqrt(dot(rest, rest))
    found.push(rest.map((x) => x / length))
  }
  return found
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
