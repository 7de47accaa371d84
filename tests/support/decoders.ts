/** Decoders of a model with random weights, on ONNX Runtime and on TF.js, behind one small interface. */
import { decoderGraph } from '../../exporter/decoder.ts'
import type { Kernels } from '../../exporter/kernels.ts'
import type { Model } from '../../models/architecture.ts'
import { withComposites } from '../../models/composites.ts'
import { fill, leaves, startShape } from '../../models/spec.ts'
import { type Decoder, openDecoder } from '../../runtime/decoder.ts'
import { initialise } from '../../trainer/backends/initialise.ts'
import { Random } from '../../trainer/random.ts'
import type { Tensor, TensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { eager } from '../../trainer/backends/tensorflow/ops.ts'

/** Weights away from their trivial first values: gains and biases too. */
export function randomWeights(model: Model, seed = 7): Map<string, Float32Array> {
  const random = new Random(seed)
  const weights = initialise(model.params, seed)
  for (const [path, data] of weights)
    for (let i = 0; i < data.length; i++) data[i]! += (path.includes('embed') ? 0.3 : 0.1) * random.normal()
  return weights
}

export const openModel = async (model: Model, kernels: Kernels, weights = randomWeights(model)): Promise<Decoder> => {
  const graph = decoderGraph(model, weights, kernels)
  return openDecoder(graph.bytes, graph.state)
}

/** Logits (B*T*V) and state of the definition itself, run eagerly with the default composites. */
export function eagerRun(
  tf: TensorFlow,
  model: Model,
  weights: ReadonlyMap<string, Float32Array>,
  ids: readonly number[][],
) {
  const op = withComposites<Tensor>(eager(tf))
  const params = fill(model.params, (path, spec) => tf.tensor(weights.get(path)!, startShape(spec.shape, 1)))
  const state = fill(model.state, (_, spec) => tf.zeros(startShape(spec.shape, ids.length)))
  const done = model.forward<Tensor>(op, params, tf.tensor2d([...ids], undefined, 'int32'), state)
  return {
    logits: floats(model.logits<Tensor>(op, params, done.hidden)),
    state: new Map([...leaves<Tensor>(model.state, done.state)].map(([path, t]) => [path, floats(t)])),
  }
}

const floats = (t: Tensor) => t.dataSync() as Float32Array

/** `count` random ids below `vocab`. */
export const randomIds = (vocab: number, count: number, seed: number): number[] => {
  const random = new Random(`ids ${seed}`)
  return Array.from({ length: count }, () => random.int(vocab))
}
