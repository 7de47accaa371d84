/** The embedder graph of an encoder: texts as token ids in, a vector for each text and for each token out. */
import { withComposites } from '../models/composites.ts'
import type { EncoderModel } from '../models/encoder.ts'
import { sentenceVector, type SentenceVector } from '../models/layers/pooling.ts'
import type { Ops } from '../models/ops.ts'
import type { GraphBuilder, Port, Value } from './onnx/graph.ts'
import { tracer, type Cursor } from './trace.ts'

export interface TracedEmbedder {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** The bytes of the ONNX file. */
  readonly encode: () => Uint8Array
}

/** The vocabulary for the graph of an encoder, with ONNX's own LayerNormalization. */
export function encoderOps(cursor: Cursor): Ops<Value> {
  return withComposites<Value>(tracer(cursor), {
    layerNorm: (x, weight, bias, eps) =>
      cursor.at.node('LayerNormalization', [x, weight, bias], { axis: { int: -1 }, epsilon: { float: eps } })[0]!,
  })
}

/** Traces an encoder whose parameters are in `graph` already. Any batch, any time up to the model's `maxTokens`. */
export function traceEmbedder(
  graph: GraphBuilder,
  op: Ops<Value>,
  model: EncoderModel,
  params: unknown,
  vector: SentenceVector,
): TracedEmbedder {
  const mask = graph.node('Cast', [{ name: 'mask' }], { to: { int: 1 } })[0]!
  const hidden = model.encode<Value>(op, params, { ids: { name: 'ids' }, mask, types: { name: 'types' } })
  graph.output(sentenceVector(op, vector, hidden, mask), 'embedding')
  graph.output(hidden, 'hidden')
  const inputs = ['ids', 'mask', 'types'].map((name): Port => ({ name, dtype: 'int32', shape: ['batch', 'time'] }))
  const outputs: Port[] = [
    { name: 'embedding', dtype: 'float32', shape: ['batch', model.width] },
    { name: 'hidden', dtype: 'float32', shape: ['batch', 'time', model.width] },
  ]
  return { inputs, outputs, encode: () => graph.model('embedder', inputs, outputs) }
}
