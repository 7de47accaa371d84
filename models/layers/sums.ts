/**
 * Sums whose bits do not depend on what else is in the batch. ONNX Runtime reduces a batch of one in another order than
 * a batch of several; its products of matrices take each row of a batch for itself.
 */
import type { Ops } from '../ops.ts'

/** x (B,N,E) summed over N: (B,1,E). */
export function sumOfRows<T>(op: Ops<T>, x: T): T {
  const column = op.slice(x, -1, 0, 1)
  const ones = op.add(op.mul(column, op.constant(0)), op.constant(1))
  return op.matmul(op.transpose(ones, [0, 2, 1]), x)
}

/** The sum of the squares of x (B,M,N) in each row of the batch: (B,1,1). */
export const sumOfSquares = <T>(op: Ops<T>, x: T): T => op.matmul(op.reshape(x, [0, 1, -1]), op.reshape(x, [0, -1, 1]))

/**
 * At least the square of the largest singular value of x (B,M,N), and at most N^(1/4) times it: the square of its Schatten
 * 8-norm, |(x'x)^2|^(1/2) in the norm of Frobenius. N is to be the shorter side. (B,1,1).
 */
export function largestSquare<T>(op: Ops<T>, x: T): T {
  const square = op.matmul(op.transpose(x, [0, 2, 1]), x)
  return op.sqrt(op.sqrt(op.add(sumOfSquares(op, op.matmul(square, square)), op.constant(1e-12))))
}
