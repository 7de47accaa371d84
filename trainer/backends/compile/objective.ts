/** Cross entropy on a tape, with the derivative softmax - onehot. */
import type { Node, Recorder, Tape } from './tape.ts'

/** The least probability that counts, 2^-126: the least normal float32, since devices may flush smaller ones to zero. */
const SMALLEST = 2 ** -126

/**
 * Weighted mean of -log p(target), in nats. logits (B,T,V), targets (B,T) int32, weights (B,T) -> scalar and the sum of weights.
 */
export function crossEntropy(tape: Tape, op: Recorder, logits: Node, targets: Node, weights: Node) {
  const vocab = logits.shape.at(-1)!
  const flat = op.reshape(logits, [-1, vocab]) //                                             (N, V)
  const ids = op.reshape(targets, [-1, 1])
  const weight = op.reshape(weights, [-1, 1])
  const probs = op.softmax(flat)
  const chosen = op.maximum(op.pick(probs, ids), op.constant(SMALLEST)) //                  (N, 1)
  const weightSum = op.maximum(op.sum(op.reshape(weight, [-1]), 0), op.constant(1e-6))
  const mean = op.neg(op.div(op.sum(op.reshape(op.mul(op.log(chosen), weight), [-1]), 0), weightSum))
  const loss = tape.custom('crossEntropy', mean, [logits], (_, _node, g) => {
    const share = op.mul(op.div(weight, weightSum), g)
    return [op.reshape(op.addAt(op.mul(probs, share), ids, op.neg(share)), logits.shape)]
  })
  return { loss, weightSum }
}
