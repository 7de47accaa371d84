/** From a tape to an ONNX graph with named inputs and outputs. */
import { GraphBuilder, type Port, type Value } from '../../../exporter/onnx/graph.ts'
import { type Arithmetic, onnxEmitter } from './emit.ts'
import { ancestors, type Node, replay, type Tape } from './tape.ts'

/** A graph and what goes in and out of it; `next.` outputs have the shape of the input without the prefix. */
export interface CompiledGraph {
  readonly bytes: Uint8Array
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  readonly nodes: number
}

/** The graph that computes `wanted` from the inputs of the tape that they need. */
export function emit(
  name: string,
  tape: Tape,
  wanted: ReadonlyMap<string, Node>,
  arithmetic: Arithmetic,
): CompiledGraph {
  const graph = new GraphBuilder()
  const live = ancestors(wanted.values())
  const inputs = tape.nodes.filter((node) => node.kind === 'input' && live.has(node))
  const given = new Map<Node, Value>(inputs.map((node) => [node, { name: node.name }]))
  const values = replay(tape.nodes, onnxEmitter({ at: graph }, arithmetic), given, [...wanted.values()])
  const outputs = [...wanted].map(([n, node]) => port(n, node))
  for (const [i, output] of outputs.entries()) graph.output(values[i]!, output.name)
  const ports = inputs.map((node) => port(node.name, node))
  return { bytes: graph.model(name, ports, outputs), inputs: ports, outputs, nodes: graph.size }
}

const port = (name: string, node: Node): Port => ({ name, dtype: node.dtype, shape: node.shape })
