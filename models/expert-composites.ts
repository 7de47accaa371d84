/** The default body of a mixture of experts. */
import type { MixtureOfExperts, Primitives } from './ops.ts'

/**
 * All experts on all tokens, weighted. Both projections are one product over all experts: the shares are multiplied in
 * between, and the sum over the experts is a part of the second product. This is what training computes.
 */
export function allExperts<T>(op: Primitives<T>, x: MixtureOfExperts<T>): T {
  const { experts, rows, hidden, width } = x
  const matrix = op.transpose(op.reshape(x.up, [experts * rows, width]), [1, 0])
  const byExpert = op.reshape(op.matmul(x.x, matrix), [0, 0, experts, rows]) //                    (B, T, E, R)
  const inner = x.activate(x.upBias ? op.add(byExpert, x.upBias) : byExpert) //                    (B, T, E, I)
  const weighted = op.reshape(op.mul(inner, op.reshape(x.share, [0, 0, experts, 1])), [0, 0, experts * hidden])
  const down = op.reshape(op.transpose(x.down, [0, 2, 1]), [experts * hidden, width])
  const y = op.matmul(weighted, down) //                                                           (B, T, D)
  return x.downBias ? op.add(y, op.matmul(x.share, x.downBias)) : y
}
