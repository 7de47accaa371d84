/** Gradients of a model's loss by TF.js alone. */
import type { Model } from '../../models/architecture.ts'
import { flatten, startShape } from '../../models/spec.ts'
import { emptyBatch } from '../../trainer/data/batch.ts'
import { eagerLoss } from '../../trainer/backends/tensorflow/eager-loss.ts'
import type { TensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { backendOptions } from './backend-options.ts'

/** By path: derivatives of the mean loss of predicting each next token of one row that starts from zero state. */
export function eagerGradients(
  tf: TensorFlow,
  model: Model,
  weights: ReadonlyMap<string, Float32Array>,
  ids: readonly number[],
): Map<string, Float32Array> {
  const batch = emptyBatch(1, ids.length)
  batch.ids.set(ids)
  batch.targets.set([...ids.slice(1), 0])
  batch.weights.fill(1, 0, -1)
  const options = backendOptions(model, { batch: 1, sequenceLength: ids.length, carry: false })
  const params = flatten(model.params)
  const state = new Map(flatten(model.state).map(([path, spec]) => [path, tf.zeros(startShape(spec.shape, 1))]))
  const { grads } = tf.valueAndGrads((...xs) => {
    const given = new Map(params.map(([path], i) => [path, xs[i]!]))
    return eagerLoss(tf, options, given, state, batch, false).objective
  })(params.map(([path, spec]) => tf.tensor(weights.get(path)!, spec.shape.map(Number))))
  return new Map(params.map(([path], i) => [path, grads[i]!.dataSync() as Float32Array]))
}
