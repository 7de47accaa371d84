/** Where a graph runs, and how ONNX Runtime is asked for it. */
import { RuntimeError } from './errors.ts'
import type { Library, Pointer } from './library.ts'

export type Device = 'cpu' | 'webgpu' | 'cuda'

/** What a graph asks of a device. */
export interface DeviceOptions {
  device?: Device
  /** Which of several such devices (cuda only); 0 unless asked. */
  deviceId?: number
  /** Products of float32 matrices in TF32 (cuda only): faster, with 10 bits of mantissa instead of 23. */
  tf32?: boolean
  /** Whether kernels may add in any order (cuda only): faster, and no two runs give the same bits. */
  unordered?: boolean
  /**
   * Whether the kernels of a binding are launched as one CUDA graph, recorded at its first run (cuda only): everything
   * that is bound has to be memory of the device, and every node has to have a kernel there.
   */
  capture?: boolean
}

/** What ONNX Runtime calls the memory of each device. */
export const memoryNames: Readonly<Record<Device, string>> = { cpu: 'Cpu', webgpu: 'WebGPU_Buffer', cuda: 'Cuda' }

const needs: Readonly<Record<Exclude<Device, 'cpu'>, string>> = {
  webgpu: 'it needs a driver of Vulkan, Metal or Direct3D 12',
  cuda: 'npm run setup:cuda and the CUDA libraries make it available (docs/training.md)',
}

/** Throws RuntimeError if an option asks for what only CUDA has, and the device is another. */
export function checkDeviceOptions(options: DeviceOptions): void {
  const { device = 'cpu', tf32 = false, capture = false, unordered = false } = options
  const asked = Object.entries({ tf32, capture, unordered }).find(([, value]) => value)
  if (asked && device !== 'cuda') throw new RuntimeError(`${asked[0]}: expected device cuda, got ${device}`)
}

/** Adds the device's execution provider to session options. Throws RuntimeError where the device is not there. */
export function appendDevice(library: Library, options: Pointer, choice: DeviceOptions): void {
  const { device = 'cpu' } = choice
  checkDeviceOptions(choice)
  if (device === 'cpu') return
  if (device === 'cuda') library.SetDeterministicCompute(options, choice.unordered !== true)
  try {
    if (device === 'webgpu') library.SessionOptionsAppendExecutionProvider(options, 'WebGPU', null, null, 0)
    else appendCuda(library, options, cudaSettings(choice))
  } catch (error) {
    throw deviceError(device, error)
  }
}

/** Returns the one error of a device that cannot be used, with ONNX Runtime's own reason and what to do. */
export function deviceError(device: Exclude<Device, 'cpu'>, error: unknown): RuntimeError {
  const reason = error instanceof Error ? error.message.trim() : String(error)
  // What comes before are places in ONNX Runtime's source
  const plain = reason.replace(/^.*(\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : | was false\. )/s, '')
  return new RuntimeError(`device ${device}: not available here (${plain}); ${needs[device]}`, { cause: error })
}

/** Provider options by name. ONNX Runtime's own default is TF32, whose products keep 10 of 23 bits of the mantissa. */
export function cudaSettings({ deviceId = 0, tf32 = false, capture = false }: DeviceOptions): Record<string, string> {
  return { device_id: String(deviceId), use_tf32: tf32 ? '1' : '0', enable_cuda_graph: capture ? '1' : '0' }
}

function appendCuda(library: Library, options: Pointer, settings: Record<string, string>): void {
  const cuda = library.made('CreateCUDAProviderOptions')
  const texts = [Object.keys(settings), Object.values(settings)].map((all) =>
    all.map((text) => Buffer.from(`${text}\0`)),
  )
  try {
    const [keys, values] = texts.map((all) => BigUint64Array.from(all, (text) => library.addressOf(text)))
    library.UpdateCUDAProviderOptions(cuda, keys!, values!, keys!.length)
    library.SessionOptionsAppendExecutionProvider_CUDA_V2(options, cuda)
  } finally {
    library.ReleaseCUDAProviderOptions(cuda)
  }
}
