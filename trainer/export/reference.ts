/** Reference logits for the exporter: the model's definition, run eagerly by TF.js token by token. */
import type { Reference } from '../../exporter/verify.ts'
import type { Model } from '../../models/architecture.ts'
import { withComposites } from '../../models/composites.ts'
import { fill, leaves, startShape } from '../../models/spec.ts'
import { loadTensorFlow, type Tensor } from '../backends/tensorflow/load.ts'
import { eager } from '../backends/tensorflow/ops.ts'

/** Tokens fed at a time: TF.js keeps every step of a recurrence until its piece is done. */
const PIECE = 64

/** Logits of the model with these weights by TF.js, on the best build that is installed. */
export async function tensorFlowReference(
  model: Model,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<Reference> {
  const { tf, build } = await loadTensorFlow()
  const op = withComposites<Tensor>(eager(tf))
  return {
    name: `TF.js ${tf.version_core} (${build})`,
    async logits(ids) {
      const params = fill(model.params, (path, spec) => tf.tensor(weights.get(path)!, startShape(spec.shape, 1)))
      let state = fill(model.state, (_, spec) => tf.zeros(startShape(spec.shape, 1)))
      const out = new Float32Array(ids.length * model.vocab)
      for (let at = 0; at < ids.length; at += PIECE) {
        const piece = ids.slice(at, at + PIECE)
        tf.engine().startScope()
        const done = model.forward<Tensor>(op, params, tf.tensor2d([...piece], [1, piece.length], 'int32'), state)
        out.set(await model.logits<Tensor>(op, params, done.hidden).data(), at * model.vocab)
        const after = leaves<Tensor>(model.state, done.state)
        for (const t of after.values()) tf.keep(t)
        tf.engine().endScope()
        state = fill(model.state, (path) => after.get(path)!)
      }
      return out
    },
  }
}
