/** Opens graphs: through ONNX Runtime's C API, or through onnxruntime-node's own binding where that cannot be reached. */
import { createBindingGraph } from './binding-graph.ts'
import type { Device } from './device.ts'
import type { Graph, GraphOptions } from './graph.ts'
import { loadBinding, loadLibrary } from './library.ts'
import { type DeviceMemory, hostMemory } from './memory.ts'
import { createNativeGraph, createNativeGraphElsewhere } from './native-graph.ts'
import { type DeviceChoice, NativeMemory } from './native-memory.ts'

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
  if (runtimeInfo().binding === 'c-api') {
    const elsewhere = options.elsewhere === true && typeof model !== 'string'
    return elsewhere
      ? createNativeGraphElsewhere(loadLibrary(), model, options)
      : createNativeGraph(loadLibrary(), model, options)
  }
  return createBindingGraph(loadBinding(), model, options)
}

/** Whether graphs on the device can be opened with `capture`. */
export function canCapture(device: Device): boolean {
  return device === 'cuda' && runtimeInfo().binding === 'c-api'
}

/** Opens the memory of a device; ordinary memory for the CPU, and for all devices where the C API cannot be reached. */
export function openMemory(choice: DeviceChoice): DeviceMemory {
  if ((choice.device ?? 'cpu') === 'cpu' || runtimeInfo().binding !== 'c-api') return hostMemory
  return new NativeMemory(loadLibrary(), choice)
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
