/** Graphs: open a model once, bind memory to its inputs and outputs once, run it as often as you like. */
import { createBindingGraph } from './binding-graph.ts'
import type { Device } from './device.ts'
import { loadBinding, loadLibrary } from './library.ts'
import { createNativeGraph } from './native-graph.ts'
import type { Dtype, Tensor } from './tensor.ts'

export { RuntimeError } from './errors.ts'
export type { Device } from './device.ts'

/** An input or output of a graph. A string in `shape` is a size known only when the graph runs. */
export interface ValueInfo {
  name: string
  dtype: Dtype
  shape: readonly (number | string)[]
  /** The graph has a default for this input, which is used when it is not bound. */
  optional?: true
}

/** Memory bound to a graph. `run` reads the inputs and writes the outputs where they are; always await it. */
export interface Binding {
  run(): void | Promise<void>
  /** The same on another thread, beside the runs of other graphs; what is bound must be left alone meanwhile. */
  runElsewhere(): Promise<void>
  release(): void
}

/** A model ready to run. Closing it gives its memory back; its bindings can then only be released. */
export interface Graph {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /**
   * Binds every input (optional ones may be left out) and the outputs that are wanted. An output may share the memory
   * of an input where the kernel between them allows it. Throws RuntimeError if a name, dtype or shape does not fit.
   */
  bind(inputs: Record<string, Tensor>, outputs: Record<string, Tensor>): Binding
  close(): void
}

export interface GraphOptions {
  /** Threads within one operator; 1 unless asked. */
  threads?: number
  device?: Device
  /** Which of several such devices (cuda only); 0 unless asked. */
  deviceId?: number
  optimization?: 'all' | 'basic' | 'disabled'
  /** Names of graph transformers that shall not run. */
  disabledOptimizers?: readonly string[]
  /** Whether waiting threads spin: faster, at the price of a busy core. ONNX Runtime's own default is to spin. */
  spin?: boolean
}

/** How graphs run in this process; `reason` says why it is not the C API. */
export interface RuntimeInfo {
  version: string
  binding: 'c-api' | 'onnxruntime-node'
  reason?: string
}

let chosen: RuntimeInfo | undefined

/** Returns ONNX Runtime's version and how it is called. MNEME_RUNTIME=binding asks for onnxruntime-node's own binding. */
export function runtimeInfo(): RuntimeInfo {
  chosen ??= choose()
  return chosen
}

/** Opens a model from its bytes or a file path. Throws RuntimeError if it cannot be loaded or the device is not there. */
export async function openGraph(model: Uint8Array | string, options: GraphOptions = {}): Promise<Graph> {
  if (runtimeInfo().binding === 'c-api') return createNativeGraph(loadLibrary(), model, options)
  return createBindingGraph(loadBinding(), model, options)
}

function choose(): RuntimeInfo {
  if (process.env['MNEME_RUNTIME'] === 'binding') return plainBinding('MNEME_RUNTIME=binding')
  try {
    return { version: loadLibrary().version, binding: 'c-api' }
  } catch (error) {
    return plainBinding(error instanceof Error ? error.message : String(error))
  }
}

function plainBinding(reason: string): RuntimeInfo {
  return { version: loadBinding().env.versions.node ?? 'unknown', binding: 'onnxruntime-node', reason }
}
