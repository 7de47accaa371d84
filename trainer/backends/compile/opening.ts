/** Opens compiled graphs, and says how long it has been at it. */
import type { Graph } from '../../../runtime/graph.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { type BackendOptions, deviceSettings } from '../backend.ts'
import type { CompiledGraph } from './compiled-graph.ts'

const everyMs = 1000

/** ONNX Runtime optimises a graph for the CPU on another thread; this one hears signals meanwhile. */
export async function openCompiled(
  { bytes, nodes }: CompiledGraph,
  o: BackendOptions,
  capture = false,
): Promise<Graph> {
  const began = performance.now()
  const say = (): void =>
    o.progress?.(`compiling a step of ${nodes} operations: ${Math.round((performance.now() - began) / 1000)} s`)
  say()
  const timer = setInterval(say, everyMs)
  try {
    return await openGraph(bytes, { ...deviceSettings(o), capture })
  } finally {
    clearInterval(timer)
  }
}
