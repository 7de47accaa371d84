/** What a model makes of its parameters alone, computed once at export: keys and values of banks, merged matrices. */
import type { Model } from '../models/architecture.ts'
import { fill } from '../models/spec.ts'
import { openGraph } from '../runtime/open-graph.ts'
import { createTensor, type Tensor } from '../runtime/tensor.ts'
import type { Weights } from './weights.ts'
import { decoderOps } from './kernels.ts'
import { GraphBuilder, type Port, type Value } from './onnx/graph.ts'

/** Tensors by the name under which the model asks for them. */
export type Precomputed = ReadonlyMap<string, readonly Tensor[]>

/** Runs what the model wants precomputed on ONNX Runtime; an empty map where it wants nothing. */
export async function precomputeWeights(model: Model, weights: Weights): Promise<Precomputed> {
  const [graph, rest] = [new GraphBuilder(), new GraphBuilder()]
  const cursor = { at: rest }
  const found = new Map<string, { values: Value[]; ports: Port[] }>()
  const op = {
    ...decoderOps(cursor, 'portable'),
    precompute(name: string, shapes: readonly (readonly number[])[], make: () => Value[]): Value[] {
      const known = found.get(name)
      if (known) return known.values
      const outer = cursor.at
      cursor.at = graph
      const values = make()
      cursor.at = outer
      const ports = shapes.map((shape, i): Port => ({ name: `${name}.${i}`, dtype: 'float32', shape }))
      for (const [i, value] of values.entries()) graph.output(value, ports[i]!.name)
      found.set(name, { values, ports })
      return values
    },
  }
  const params = fill(model.params, (path, spec) =>
    graph.initializer(path, 'float32', spec.shape.map(Number), weights.get(path)!),
  )
  const state = fill(model.state, (path): Value => ({ name: `state.${path}` }))
  model.logits<Value>(op, params, model.forward<Value>(op, params, { name: 'ids' }, state).hidden)
  if (found.size === 0) return new Map()
  const made = await run(
    graph,
    [...found.values()].flatMap(({ ports }) => ports),
  )
  return new Map([...found].map(([name, { ports }]) => [name, ports.map((port) => made[port.name]!)]))
}

async function run(graph: GraphBuilder, outputs: readonly Port[]): Promise<Record<string, Tensor>> {
  const opened = await openGraph(graph.model('precompute', [], outputs))
  const made = Object.fromEntries(outputs.map((port) => [port.name, createTensor('float32', port.shape.map(Number))]))
  try {
    const binding = opened.bind({}, made)
    await binding.run()
    binding.release()
  } finally {
    opened.close()
  }
  return made
}
