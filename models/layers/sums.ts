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
