/** Graphs of encoders: texts as token ids in; vectors of texts and tokens out, or the logits of a classifier. */
import { withComposites } from '../models/composites.ts'
import type { ClassifierModel, EncoderInput, EncoderModel, Task } from '../models/encoder.ts'
import { sentenceVector, type SentenceVector } from '../models/layers/pooling.ts'
import type { Ops } from '../models/ops.ts'
import type { GraphBuilder, Port, Value } from './onnx/graph.ts'
import { tracer, type Cursor } from './trace.ts'

export interface TracedEncoder {
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
): TracedEncoder {
  const input = inputOf(graph)
  const hidden = model.encode<Value>(op, params, input)
  graph.output(sentenceVector(op, vector, hidden, input.mask), 'embedding')
  graph.output(hidden, 'hidden')
  const outputs: Port[] = [
    { name: 'embedding', dtype: 'float32', shape: ['batch', model.width] },
    { name: 'hidden', dtype: 'float32', shape: ['batch', 'time', model.width] },
  ]
  return { inputs: INPUTS, outputs, encode: () => graph.model('embedder', INPUTS, outputs) }
}

/** Traces a classifier in the same way: `logits` of each text, or of each of its tokens. */
export function traceClassifier(
  graph: GraphBuilder,
  op: Ops<Value>,
  model: ClassifierModel,
  params: unknown,
  { task, labels }: { readonly task: Task; readonly labels: number },
): TracedEncoder {
  graph.output(model.logits<Value>(op, params, inputOf(graph)), 'logits')
  const shape = task === 'sequence' ? ['batch', labels] : ['batch', 'time', labels]
  const outputs: Port[] = [{ name: 'logits', dtype: 'float32', shape }]
  return { inputs: INPUTS, outputs, encode: () => graph.model('classifier', INPUTS, outputs) }
}

const INPUTS: readonly Port[] = ['ids', 'mask', 'types'].map((name) => ({
  name,
  dtype: 'int32',
  shape: ['batch', 'time'],
}))

function inputOf(graph: GraphBuilder): EncoderInput<Value> {
  const mask = graph.node('Cast', [{ name: 'mask' }], { to: { int: 1 } })[0]!
  return { ids: { name: 'ids' }, mask, types: { name: 'types' } }
}
