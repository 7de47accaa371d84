/** Cross entropy on a tape, with the derivative softmax - onehot. */
import type { Recorder } from './recorder.ts'
import type { Node, Tape } from './tape.ts'

/**
 * Weighted mean of -log p(target), in nats. logits (B,T,V), targets (B,T) int32, weights (B,T) -> scalar and the sum of weights.
 */
export function crossEntropy(tape: Tape, op: Recorder, logits: Node, targets: Node, weights: Node) {
  const vocab = logits.shape.at(-1)!
  const flat = op.reshape(logits, [-1, vocab]) //                                             (N, V)
  const weight = op.reshape(weights, [-1, 1])
  const shifted = op.sub(flat, op.max(flat, -1, true))
  const powers = op.exp(shifted)
  const total = op.sum(powers, -1, true)
  const hot = op.oneHot(op.reshape(targets, [-1]), vocab)
  const nll = op.sub(op.log(total), op.sum(op.mul(shifted, hot), -1, true)) //                (N, 1)
  const mass = op.maximum(op.sum(op.reshape(weights, [-1]), 0), op.constant(1e-6))
  const mean = op.div(op.sum(op.reshape(op.mul(nll, weight), [-1]), 0), mass)
  const loss = tape.custom('crossEntropy', mean, [logits], (_, _node, g) => {
    const share = op.mul(op.div(weight, mass), g)
    return [op.reshape(op.mul(op.sub(op.div(powers, total), hot), share), logits.shape)]
  })
  return { loss, mass }
}
