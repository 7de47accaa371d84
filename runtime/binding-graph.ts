/** The fallback: graphs over onnxruntime-node's own binding, which runs them the same and copies every output. */
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type * as OnnxRuntime from 'onnxruntime-node'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { splitDefaultInputs } from './default-inputs.ts'
import { checkInputs, checkOutputs } from './check.ts'
import { checkDeviceOptions, deviceError } from './device.ts'
import { RuntimeError } from './errors.ts'
import type { Binding, BoundTensor, Graph, GraphOptions, ValueInfo } from './graph.ts'
import { isDtype, type Tensor } from './tensor.ts'
import { createUse, type Use } from './use.ts'

/** Opens a model. Throws RuntimeError if ONNX Runtime refuses it or the device is not there. */
export async function createBindingGraph(
  ort: typeof OnnxRuntime,
  model: Uint8Array | string,
  options: GraphOptions,
): Promise<Graph> {
  const bytes = typeof model === 'string' ? await readModel(model) : model
  const folder = typeof model === 'string' ? dirname(resolve(model)) : undefined
  const { model: plain, defaults } = splitDefaultInputs(bytes)
  const session = await createSession(ort, plain, folder, options)
  const inputs = session.inputMetadata.map((metadata) => valueInfo(metadata, defaults))
  const outputs = session.outputMetadata.map((metadata) => valueInfo(metadata, {}))
  let open = true
  const use = createUse(() => void session.release())
  return {
    inputs,
    outputs,
    bind(inputTensors, outputTensors) {
      if (!open) throw new RuntimeError('graph: expected it open, got bind() after close()')
      checkInputs(inputs, inputTensors)
      checkOutputs(outputs, outputTensors)
      return createBinding(ort, session, use, () => open, { ...defaults, ...inputTensors }, outputTensors)
    },
    close() {
      open = false
      use.end()
    },
  }
}

async function readModel(path: string): Promise<Uint8Array> {
  return readFile(path).catch((error: unknown) => {
    throw refused(error)
  })
}

async function createSession(
  ort: typeof OnnxRuntime,
  model: Uint8Array,
  folder: string | undefined,
  options: GraphOptions,
): Promise<InferenceSession> {
  const { device = 'cpu', threads = 1, optimization = 'all' } = options
  checkDeviceOptions(options)
  // Its provider options are the device's number alone: float32 would be computed in TF32, and nothing be recorded
  if (device === 'cuda') throw deviceError(device, "onnxruntime-node's own binding cannot set it up; koffi has to load")
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: [device],
      intraOpNumThreads: threads,
      graphOptimizationLevel: optimization,
      extra: extraEntries(options, folder),
    })
  } catch (error) {
    throw device === 'cpu' ? refused(error) : deviceError(device, error)
  }
}

// The binding joins nested keys with dots into session configuration entries.
function extraEntries(options: GraphOptions, folder: string | undefined): Record<string, unknown> {
  const session: Record<string, unknown> = {}
  if (options.spin !== undefined) session['intra_op'] = { allow_spinning: options.spin ? '1' : '0' }
  // Weights in a file of their own lie beside the model, which is opened from its bytes here.
  if (folder !== undefined) session['model_external_initializers_file_folder_path'] = folder
  const disabled = options.disabledOptimizers?.join(';')
  return { session, ...(disabled && { optimization: { disable_specified_optimizers: disabled } }) }
}

function valueInfo(metadata: InferenceSession.ValueMetadata, defaults: Record<string, Tensor>): ValueInfo {
  const { name } = metadata
  if (!metadata.isTensor) throw new RuntimeError(`${name}: expected a tensor, got a sequence, map or optional value`)
  if (!isDtype(metadata.type)) throw new RuntimeError(`${name}: expected a dtype of ours, got ${metadata.type}`)
  const shape = metadata.shape.map((size) => (size === '' ? '?' : size))
  return { name, dtype: metadata.type, shape, ...(Object.hasOwn(defaults, name) && { optional: true as const }) }
}

function createBinding(
  ort: typeof OnnxRuntime,
  session: InferenceSession,
  use: Use,
  isOpen: () => boolean,
  inputs: Record<string, BoundTensor>,
  outputs: Record<string, BoundTensor>,
): Binding {
  const feeds: Record<string, OrtTensor> = {}
  for (const [name, tensor] of Object.entries(inputs)) {
    const { dtype, dims, data } = ordinary(name, tensor)
    feeds[name] = new ort.Tensor(dtype, data, dims)
  }
  const targets = Object.entries(outputs).map(([name, tensor]) => [name, ordinary(name, tensor)] as const)
  const fetches = Object.keys(outputs)
  let held = true
  const run = async (): Promise<void> => {
    if (!held) throw new RuntimeError('binding: expected it held, got run() after release()')
    if (!isOpen()) throw new RuntimeError('graph: expected it open, got run() after close()')
    const results = await use
      .during(() => session.run(feeds, fetches))
      .catch((error: unknown) => {
        throw refused(error)
      })
    for (const [name, output] of targets) copyResult(name, results[name], output)
  }
  return {
    run,
    runElsewhere: run,
    release() {
      held = false
    },
  }
}

function ordinary(name: string, tensor: BoundTensor): Tensor {
  if ('data' in tensor) return tensor
  throw new RuntimeError(`${name}: expected ordinary memory, which is all that onnxruntime-node binds, got a device's`)
}

function copyResult(name: string, result: OrtTensor | undefined, output: Tensor): void {
  const got = result?.dims.join(', ') ?? 'nothing'
  const expected = output.dims.join(', ')
  if (!result || got !== expected)
    throw new RuntimeError(`${name}: expected [${got}] of memory, got [${expected}] bound`)
  bytesOf(output.data).set(bytesOf(result.data as Tensor['data']))
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function refused(error: unknown): RuntimeError {
  return new RuntimeError(error instanceof Error ? error.message.trim() : String(error), { cause: error })
}
