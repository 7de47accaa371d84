/** The logits that a model which labels its rows was trained to have, computed by TF.js. */
import type { Model } from '../../models/model.ts'
import { fill } from '../../models/spec.ts'
import { loadTensorFlow, type Tensor } from '../../trainer/backends/tensorflow/load.ts'
import { eagerOps } from '../../trainer/backends/tensorflow/ops.ts'
import type { Trained } from '../../trainer/export/weights.ts'

export async function labelledLogits(
  model: Model,
  weights: Trained['weights'],
  ids: readonly number[],
): Promise<Float32Array> {
  const { tf } = await loadTensorFlow('cpu')
  const params = fill(model.params, (path, { shape }) => tf.tensor(weights.get(path)!, shape.map(Number)))
  const op = eagerOps(tf)
  const { hidden } = model.forward<Tensor>(op, params, tf.tensor2d([...ids], [1, ids.length], 'int32'), {})
  return model.logits<Tensor>(op, params, hidden).dataSync() as Float32Array
}
