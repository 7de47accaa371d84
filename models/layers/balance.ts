/** Losses that keep a router from always choosing the same. Letters: C choices. */
import type { Ops } from '../ops.ts'

/**
 * C sum f P over the choices, with f the share of decisions (chosen (B,T,C), 0 or 1) and P the mean of probs (B,T,C)
 * (Fedus et al. 2021, arXiv 2101.03961): where both are equal, as many as each token chooses.
 */
export const loadBalance = <T>(op: Ops<T>, chosen: T, probs: T, count: number): T =>
  op.mul(op.sum(op.mul(meanOfTokens(op, chosen), meanOfTokens(op, probs)), 0), op.constant(count))

/** The mean squared log-sum-exp of the logits (B,T,C) (Zoph et al. 2022, arXiv 2202.08906). */
export function zLoss<T>(op: Ops<T>, logits: T): T {
  const highest = op.detach(op.max(logits, -1, true)) //   log-sum-exp does not depend on what is subtracted
  const sum = op.add(op.log(op.sum(op.exp(op.sub(logits, highest)), -1, true)), highest)
  return op.sum(meanOfTokens(op, op.mul(sum, sum)), 0)
}

/** x (B,T,C) -> (C). */
export const meanOfTokens = <T>(op: Ops<T>, x: T): T => op.mean(op.mean(x, 1), 0)
