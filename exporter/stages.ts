/**
 * The decoder cut after a layer: the early stage reads ids and ends in an exit, the late stage goes on from what the layer
 * has given. Each has the state of its own layers; what only depends on the ids, such as a count of tokens, is the early one's.
 *
 * Both stages together have the bits of the whole decoder, but where the norm after the cut is fused with the sum before it: the
 * late stage norms a sum that is there already, by another kernel, which gives other last bits.
 */
import type { Model } from '../models/architecture.ts'
import { leaves } from '../models/spec.ts'
import {
  isPositioned,
  newGraph,
  rowsFrom,
  type StateEntry,
  stateEntries,
  stateValues,
  withCapacity,
} from './decoder.ts'
import { POSITIONS } from './attention-kernels.ts'
import type { Kernels } from './kernels.ts'
import { kvCaches, type KvCaches } from './kv-cache.ts'
import type { GraphBuilder, Port, Value } from './onnx/graph.ts'
import type { Precomputed } from './precompute.ts'
import type { Weights } from './weights.ts'

/** What the layer before the cut gives, (B,T,D): an output of the early stage, an input of the late one. */
export const CUT = 'cut'

export interface Stage {
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** What this stage writes of the session's state. */
  readonly state: readonly StateEntry[]
  readonly bytes: Uint8Array
}

export interface Stages {
  /** After how many layers. */
  readonly after: number
  readonly early: Stage
  readonly late: Stage
}

/** Both stages of a model, cut at its exit number `index`; undefined where its layers run in a loop over chunks, which is not cut. */
export function cutDecoder(
  model: Model,
  index: number,
  weights: Weights,
  kernels: Kernels,
  precomputed: Precomputed = new Map(),
  kv: KvCaches = kvCaches('float32'),
): Stages | undefined {
  const after = model.exits!.layers[index]!
  const graph = (): Traced => newGraph(model, weights, kernels, precomputed, kv)
  const first = early(graph(), model, index, kv)
  return first && { after, early: first, late: late(graph(), model, index, kv) }
}

type Traced = ReturnType<typeof newGraph>

function early({ graph, op, params }: Traced, model: Model, index: number, kv: KvCaches): Stage | undefined {
  const exits = model.exits!
  let [cut, read]: (Value | undefined)[] = []
  const layerHook = (x: Value, layer: number): Value => {
    if (layer + 1 !== exits.layers[index]) return x
    read = exits.hidden<Value>(op, params, index, x)
    cut = x
    return x
  }
  const done = model.forward<Value>({ ...op, layerHook }, params, { name: 'ids' }, stateValues(graph, model))
  // A value that is made in the body of a loop is none of this graph
  if (!cut || !read || !graph.producer(cut)) return undefined
  const logits = model.logits<Value>(op, params, rowsFrom(graph, read))
  const own = earlyEntries(graph, model, leaves<Value>(model.state, done.state), cut, kv)
  return encoded(graph, model, 'early', own, leaves<Value>(model.state, done.state), { logits, [CUT]: cut })
}

function late({ graph, op, params }: Traced, model: Model, index: number, kv: KvCaches): Stage {
  const cut: Value = { name: CUT }
  const layerHook = (x: Value, layer: number): Value => (layer + 1 === model.exits!.layers[index] ? cut : x)
  const done = model.forward<Value>({ ...op, layerHook }, params, { name: 'ids' }, stateValues(graph, model))
  const logits = model.logits<Value>(op, params, rowsFrom(graph, done.hidden))
  const after = leaves<Value>(model.state, done.state)
  const before = new Set(earlyEntries(graph, model, after, cut, kv).map(({ name }) => name))
  const own = stateEntries(model, kv.dtype).filter(({ name }) => !before.has(name))
  return encoded(graph, model, 'late', own, after, { logits, hidden: done.hidden })
}

/** The entries whose next value does not depend on what the cut gives. */
function earlyEntries(
  graph: GraphBuilder,
  model: Model,
  after: ReadonlyMap<string, Value>,
  cut: Value,
  kv: KvCaches,
): StateEntry[] {
  return stateEntries(model, kv.dtype).filter(({ name }) => {
    const value = after.get(name)!
    return value !== cut && !graph.ancestors(value).has(cut.name)
  })
}

function encoded(
  graph: GraphBuilder,
  model: Model,
  name: 'early' | 'late',
  state: readonly StateEntry[],
  after: ReadonlyMap<string, Value>,
  results: Readonly<Record<string, Value>>,
): Stage {
  const read = new Set<string>()
  const given = [...Object.values(results), ...state.map((entry) => after.get(entry.name)!)]
  for (const value of given) for (const ancestor of graph.ancestors(value)) read.add(ancestor)
  for (const [output, value] of Object.entries(results)) graph.output(value, output)
  for (const entry of state) graph.output(after.get(entry.name)!, entry.output)
  const all = stateEntries(model, kvOf(state))
  const inputs: Port[] = [
    { name: 'ids', dtype: 'int32', shape: ['batch', 'time'] },
    { name: 'logits_from', dtype: 'int64', shape: [] },
    ...(name === 'late' ? [{ name: CUT, dtype: 'float32', shape: ['batch', 'time', model.width] } as const] : []),
    ...(isPositioned(model) ? [{ name: POSITIONS, dtype: 'int32', shape: ['batch'] } as const] : []),
    ...all.flatMap((s): Port[] => (read.has(s.input) ? [{ name: s.input, dtype: s.dtype, shape: s.shape }] : [])),
  ]
  const wide = name === 'early' ? CUT : 'hidden'
  const outputs: Port[] = [
    { name: 'logits', dtype: 'float32', shape: ['batch', 'rows', model.vocab] },
    { name: wide, dtype: 'float32', shape: ['batch', 'time', model.width] },
    ...state.map((s): Port => ({ name: s.output, dtype: s.dtype, shape: s.shape })),
  ]
  const named = (ports: readonly Port[]): Port[] => ports.map((port) => withCapacity(port, all))
  return { inputs, outputs, state, bytes: graph.model(name, named(inputs), named(outputs)) }
}

const kvOf = (state: readonly StateEntry[]) => state.find(({ kind }) => kind === 'append')?.dtype ?? 'float32'
