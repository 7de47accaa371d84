/** Both ways to run a graph, so that one suite can hold them to the same claims. */
import { createBindingGraph } from '../../runtime/binding-graph.ts'
import type { Graph, GraphOptions } from '../../runtime/graph.ts'
import { loadBinding, loadLibrary } from '../../runtime/library.ts'
import { createNativeGraph } from '../../runtime/native-graph.ts'

type Open = (model: Uint8Array | string, options?: GraphOptions) => Promise<Graph>

export const bindings: { binding: string; open: Open }[] = [
  { binding: 'c-api', open: async (model, options = {}) => createNativeGraph(loadLibrary(), model, options) },
  { binding: 'onnxruntime-node', open: (model, options = {}) => createBindingGraph(loadBinding(), model, options) },
]
