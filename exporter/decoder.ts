/** The decoder graph of a model: ids and session state in, logits, hidden and the next state out; any batch, any time. */
import type { Model } from '../models/architecture.ts'
import { fill, flatten, grows, leaves } from '../models/spec.ts'
import { POSITIONS } from './attention-kernels.ts'
import { chosenExperts, type ExpertMatrices } from './expert-kernels.ts'
import { decoderOps, type Kernels } from './kernels.ts'
import { kvCaches, type KvCaches, type KvDtype } from './kv-cache.ts'
import type { MixtureOfExperts, Ops } from '../models/ops.ts'
import { GraphBuilder, type Port, type Value } from './onnx/graph.ts'
import type { Precomputed } from './precompute.ts'
import { packRows, unpackedRows } from './quantise.ts'
import type { Cursor } from './trace.ts'
import { checkWeights, ExportError, type Weights } from './weights.ts'

export interface StateEntry {
  readonly name: string
  readonly kind: 'fixed' | 'append'
  readonly input: string
  readonly output: string
  readonly dtype: KvDtype
  readonly shape: readonly ['batch', ...(number | 'time')[]]
  readonly inPlace: boolean
}

export interface TracedDecoder {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly state: readonly StateEntry[]
  /** The bytes of the ONNX file. */
  readonly encode: () => Uint8Array
}

export type DecoderGraph = Omit<TracedDecoder, 'encode'> & { readonly bytes: Uint8Array }

/**
 * Traces the model's one definition. What is `precomputed` is written as it is; the rest is computed when the file is
 * loaded, of rows in 8 or 4 bits where the model has such. Throws ExportError when the model cannot be served, or weights are missing,
 * unexpected or of a wrong size.
 */
export function decoderGraph(
  model: Model,
  weights: Weights,
  kernels: Kernels,
  precomputed: Precomputed = new Map(),
  kv: KvCaches = kvCaches('float32'),
): DecoderGraph {
  if (kernels === 'portable' && flatten(model.state).some(([, spec]) => grows(spec)))
    throw new ExportError(`${model.architecture}: --kernels: attention over all tokens needs fused ones, got portable`)
  checkWeights(model, weights)
  const { graph, op, params } = newGraph(model, weights, kernels, precomputed, kv)
  const { encode, ...traced } = traceDecoder(graph, op, model, params, kv.dtype)
  return { ...traced, bytes: encode() }
}

/** An empty graph with the model's parameters, and the operations that add to it. */
export function newGraph(
  model: Model,
  weights: Weights,
  kernels: Kernels,
  precomputed: Precomputed,
  kv: KvCaches,
): { graph: GraphBuilder; op: Ops<Value>; params: unknown } {
  const graph = new GraphBuilder()
  const op = withWeights({ at: graph }, kernels, model, weights, precomputed, kv)
  const params = fill(model.params, (path, spec) =>
    graph.initializer(path, 'float32', spec.shape.map(Number), weights.get(path)!),
  )
  return { graph, op, params }
}

/**
 * Traces a model whose parameters are in `graph` already, and whose attention has caches of `kv` as `op` makes them. Throws
 * ExportError when it cannot be served.
 */
export function traceDecoder(
  graph: GraphBuilder,
  op: Ops<Value>,
  model: Model,
  params: unknown,
  kv: KvDtype = 'float32',
): TracedDecoder {
  if (model.trainingOnly !== undefined) throw new ExportError(`${model.architecture}: ${model.trainingOnly}`)
  const state = stateEntries(model, kv)
  const positioned = isPositioned(model)
  const done = model.forward<Value>(op, params, { name: 'ids' }, stateValues(graph, model))
  const logits = model.logits<Value>(op, params, rowsFrom(graph, done.hidden))

  graph.output(logits, 'logits')
  graph.output(done.hidden, 'hidden')
  const after = leaves<Value>(model.state, done.state)
  for (const { name, output } of state) graph.output(after.get(name)!, output)
  const inputs: Port[] = [
    { name: 'ids', dtype: 'int32', shape: ['batch', 'time'] },
    { name: 'logits_from', dtype: 'int64', shape: [] },
    ...(positioned ? [{ name: POSITIONS, dtype: 'int32', shape: ['batch'] } as const] : []),
    ...state.map((s): Port => ({ name: s.input, dtype: s.dtype, shape: s.shape })),
  ]
  const outputs: Port[] = [
    { name: 'logits', dtype: 'float32', shape: ['batch', 'rows', model.vocab] },
    { name: 'hidden', dtype: 'float32', shape: ['batch', 'time', model.width] },
    ...state.map((s): Port => ({ name: s.output, dtype: s.dtype, shape: s.shape })),
  ]
  const named = (ports: readonly Port[]): Port[] => ports.map((port) => withCapacity(port, state))
  const encode = () => graph.model('decoder', named(inputs), named(outputs))
  return { encode, inputs, outputs, state }
}

/** Whether the graph is told how many tokens each row has been fed. */
export const isPositioned = (model: Model): boolean => flatten(model.state).some(([, { role }]) => role === 'position')

/** The state before the ids, as the graph's inputs give it. */
export const stateValues = (graph: GraphBuilder, model: Model): unknown =>
  fill(model.state, (path, { role }): Value =>
    role === 'position' ? positionsAsFloat(graph) : { name: `state.${path}` },
  )

/** In the file the positions of a cache are not those of the ids: it has room for more. */
export function withCapacity(port: Port, state: readonly StateEntry[]): Port {
  const caches = state.filter(({ kind }) => kind === 'append').flatMap(({ input, output }) => [input, output])
  if (!caches.includes(port.name)) return port
  return { ...port, shape: port.shape.map((size) => (size === 'time' ? 'capacity' : size)) }
}

/** What a server keeps of a sequence: all states but the position, which it counts itself. */
export function stateEntries(model: Model, kv: KvDtype): StateEntry[] {
  return flatten(model.state)
    .filter(([, { role }]) => role !== 'position')
    .map(([name, spec]) => {
      const append = grows(spec)
      const shape = ['batch', ...spec.shape.slice(1).map((d) => (d === 'time' ? d : Number(d)))] as const
      const ends = { input: `state.${name}`, output: `next.${name}` }
      // The attention kernel writes into its cache. Of all others two sets take turns, which copies nothing either and
      // is safe whatever else reads the state.
      const dtype = append ? kv : 'float32'
      return { name, kind: append ? 'append' : 'fixed', ...ends, dtype, shape, inPlace: append }
    })
}

/** (B,1) float32 of the input `positions`, int32 (B): tokens that each row has been fed. */
function positionsAsFloat(graph: GraphBuilder): Value {
  const flat = graph.node('Cast', [{ name: POSITIONS }], { to: { int: 1 } })[0]!
  return graph.node('Unsqueeze', [flat, graph.constant('int64', [1], [1])])[0]!
}

/** hidden from time `logits_from` on: an input with a default, so that only the rows that are sampled cost a head. */
export function rowsFrom(graph: GraphBuilder, hidden: Value): Value {
  const from = graph.initializer('logits_from', 'int64', [], BigInt64Array.of(0n))
  const one = (value: number): Value => graph.constant('int64', [1], [value])
  const start = graph.node('Reshape', [from, one(1)])[0]!
  return graph.node('Slice', [hidden, start, one(2 ** 31 - 1), one(1)])[0]!
}

/** The vocabulary of a decoder whose parameters are known. */
function withWeights(
  cursor: Cursor,
  kernels: Kernels,
  model: Model,
  weights: Weights,
  precomputed: Precomputed,
  kv: KvCaches,
): Ops<Value> {
  const ops = decoderOps(cursor, kernels, null, kv)
  const shapes = new Map(flatten(model.params).map(([path, spec]) => [path, spec.shape]))
  return {
    ...ops,
    precompute: (name, shapesOf, make) =>
      precomputed.get(name)?.map((t, i) => cursor.at.initializer(`${name}.${i}`, 'float32', shapesOf[i]!, t.data)) ??
      make(),
    quantised(x, bits) {
      const columns = Number(shapes.get(x.name)?.at(-1))
      const rows = weights.get(x.name)
      if (!rows) return ops.quantised(x, bits)
      return unpackedRows(cursor.at, x.name, columns, bits, packRows(rows, columns, bits))
    },
    ...(kernels === 'fused' ? { mixtureOfExperts: (x) => chosenOf(cursor.at, x, weights) } : {}),
  }
}

/** Each expert's matrices as weights of their own. */
function chosenOf(graph: GraphBuilder, x: MixtureOfExperts<Value>, weights: Weights): Value {
  const matrices = ({ name }: Value, rows: number, columns: number): ExpertMatrices => ({
    prepare: (input) => input,
    multiply(input, expert) {
      const data = weights.get(name)!.subarray(expert * rows * columns, (expert + 1) * rows * columns)
      const weight = graph.initializer(`${name}.${expert}`, 'float32', [rows, columns], data)
      return graph.node('FusedMatMul', [input, weight], { transB: { int: 1 } }, 1, 'com.microsoft')[0]!
    },
    alone: false,
  })
  return chosenExperts(graph, x, matrices(x.up, x.rows, x.width), matrices(x.down, x.width, x.hidden))
}
