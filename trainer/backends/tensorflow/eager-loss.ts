/** The loss of a model, run eagerly by TF.js; shapes and random numbers as in the compiled step. */
import { elements, fill, leaves } from '../../../models/spec.ts'
import { type BackendOptions, LEAST_WEIGHT } from '../backend.ts'
import { labelledRows } from '../row-labels.ts'
import type { Batch } from '../../data/batch.ts'
import type { Tensor, TensorFlow } from './load.ts'
import { withLosses } from './losses.ts'
import { eagerOps } from './ops.ts'

/** Loss, what is minimised, sum of weights and the state after the batch. */
export function eagerLoss(
  tf: TensorFlow,
  o: BackendOptions,
  params: ReadonlyMap<string, Tensor>,
  state: ReadonlyMap<string, Tensor>,
  batch: Batch,
  training: boolean,
) {
  const losses = withLosses(tf, eagerOps(tf, training ? (shape) => noise(tf, o, shape) : undefined))
  const ids = tf.tensor2d(batch.ids, [o.batch, o.sequenceLength], 'int32')
  const continues = tf.greater(o.carry ? tf.tensor1d(batch.carry) : tf.zeros([o.batch]), 0.5)
  const before = fill(o.model.state, (path) => {
    const held = state.get(path)!
    // A choice, not a product: a state that is not finite must end with its row
    return tf.where(tf.reshape(continues, [o.batch, ...held.shape.slice(1).map(() => 1)]), held, tf.zerosLike(held))
  })
  const tree = fill(o.model.params, (path) => params.get(path)!)
  const early = training ? o.model.exits : undefined
  const done = (early ?? o.model).forward<Tensor>(losses.op, tree, ids, before)
  const { contrast, rowLabels, vocab, width } = o.model
  if (contrast && training)
    losses.op.addLoss(contrast.teaching(losses.op, done.hidden, tf.tensor2d(batch.vectors!, [o.batch, width])))
  const weights = tf.tensor1d(batch.weights)
  const weightSum = tf.maximum(tf.sum(weights), LEAST_WEIGHT)
  const rows = labelledRows(o.model, o)
  const classes = contrast && rows !== undefined ? o.batch - rows : (rowLabels ?? vocab)
  const targets = tf.oneHot(tf.tensor1d(batch.targets, 'int32'), classes)
  const lossOf = (hidden: Tensor) => {
    const logits = tf.reshape(o.model.logits<Tensor>(losses.op, tree, hidden), [-1, classes])
    const picked = tf.sum(tf.mul(tf.logSoftmax(logits), targets), -1)
    return tf.neg(tf.div(tf.sum(tf.mul(picked, weights)), weightSum)).asScalar()
  }
  const loss = lossOf(done.hidden)
  const exits = 'exits' in done ? done.exits : []
  for (const [i, hidden] of exits.entries()) losses.op.addLoss(tf.mul(lossOf(hidden), early!.weights[i]!))
  const added = losses.total()
  const objective = added ? tf.add(loss, added).asScalar() : loss
  return { loss, objective, weightSum, state: leaves<Tensor>(o.model.state, done.state) }
}

/** The same random numbers in the same order as the compiled step gets. */
function noise(tf: TensorFlow, o: BackendOptions, shape: readonly number[]): Tensor {
  const data = new Float32Array(elements(shape)).map(() => o.random.uniform())
  return tf.tensor(data, [...shape])
}
