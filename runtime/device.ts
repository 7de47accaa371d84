/** Where a graph runs, and how ONNX Runtime is asked for it. */
import { RuntimeError } from './errors.ts'
import type { Library, Pointer } from './library.ts'

export type Device = 'cpu' | 'webgpu' | 'cuda'

/** Adds the device's execution provider to session options. Throws RuntimeError where the device is not there. */
export function appendDevice(library: Library, options: Pointer, device: Device, id: number): void {
  if (device === 'cpu') return
  try {
    if (device === 'webgpu') library.SessionOptionsAppendExecutionProvider(options, 'WebGPU', null, null, 0)
    else appendCuda(library, options, id)
  } catch (error) {
    throw deviceError(device, error)
  }
}

/** Returns the one error of a device that cannot be used, with ONNX Runtime's own reason. */
export function deviceError(device: Device, error: unknown): RuntimeError {
  const reason = error instanceof Error ? error.message.trim() : String(error)
  return new RuntimeError(`device ${device}: not available here (${reason})`, { cause: error })
}

function appendCuda(library: Library, options: Pointer, id: number): void {
  const cuda = library.made('CreateCUDAProviderOptions')
  const [key, value] = [Buffer.from('device_id\0'), Buffer.from(`${id}\0`)]
  try {
    const [keys, values] = [key, value].map((text) => BigUint64Array.of(library.addressOf(text)))
    library.UpdateCUDAProviderOptions(cuda, keys!, values!, 1)
    library.SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda)
  } finally {
    library.ReleaseCUDAProviderOptions(cuda)
  }
}
