/** Singular values of small matrices. */

/** Sweeps after which Jacobi's method has long converged. */
const SWEEPS = 30

/** The singular values of a matrix (rows, columns), largest first; those below 1e-7 of the largest are noise. */
export function singularValues(matrix: ArrayLike<number>, rows: number, columns: number): number[] {
  const { gram, size } = smallerGram(matrix, rows, columns)
  for (let sweep = 0; sweep < SWEEPS && offDiagonal(gram, size) > 1e-20 * trace(gram, size) ** 2; sweep++)
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) rotate(gram, size, p, q)
  const values = Array.from({ length: size }, (_, i) => Math.sqrt(Math.max(0, gram[i * size + i]!)))
  return values.toSorted((a, b) => b - a)
}

/** A A' or A' A, whichever is smaller. */
function smallerGram(matrix: ArrayLike<number>, rows: number, columns: number): { gram: Float64Array; size: number } {
  const size = Math.min(rows, columns)
  const inner = Math.max(rows, columns)
  const [across, along] = rows <= columns ? [columns, 1] : [1, columns]
  const gram = new Float64Array(size * size)
  for (let i = 0; i < size; i++)
    for (let j = i; j < size; j++) {
      let sum = 0
      for (let k = 0; k < inner; k++) sum += matrix[i * across + k * along]! * matrix[j * across + k * along]!
      gram[i * size + j] = gram[j * size + i] = sum
    }
  return { gram, size }
}

/** Jacobi's rotation that makes (p, q) zero: Golub and Van Loan, Matrix Computations, 8.5. */
function rotate(a: Float64Array, size: number, p: number, q: number): void {
  const apq = a[p * size + q]!
  if (apq === 0) return
  const tau = (a[q * size + q]! - a[p * size + p]!) / (2 * apq)
  const t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.sqrt(1 + tau * tau))
  const c = 1 / Math.sqrt(1 + t * t)
  const s = t * c
  for (let k = 0; k < size; k++) {
    const [x, y] = [a[k * size + p]!, a[k * size + q]!]
    a[k * size + p] = c * x - s * y
    a[k * size + q] = s * x + c * y
  }
  for (let k = 0; k < size; k++) {
    const [x, y] = [a[p * size + k]!, a[q * size + k]!]
    a[p * size + k] = c * x - s * y
    a[q * size + k] = s * x + c * y
  }
}

function trace(a: Float64Array, size: number): number {
  let sum = 0
  for (let i = 0; i < size; i++) sum += a[i * size + i]!
  return sum
}

function offDiagonal(a: Float64Array, size: number): number {
  let sum = 0
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) if (i !== j) sum += a[i * size + j]! ** 2
  return sum
}
