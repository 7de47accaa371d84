/** The fallback: graphs over onnxruntime-node's own binding, which runs them the same and copies every output. */
import type * as OnnxRuntime from 'onnxruntime-node'
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node'
import { checkInputs, checkOutputs } from './check.ts'
import { deviceError } from './device.ts'
import { RuntimeError } from './errors.ts'
import type { Binding, Graph, GraphOptions, ValueInfo } from './graph.ts'
import { isDtype, type Tensor } from './tensor.ts'

/** Opens a model. Throws RuntimeError if ONNX Runtime refuses it or the device is not there. */
export async function createBindingGraph(
  ort: typeof OnnxRuntime,
  model: Uint8Array | string,
  options: GraphOptions,
): Promise<Graph> {
  const session = await createSession(ort, model, options)
  const inputs = session.inputMetadata.map(valueInfo)
  const outputs = session.outputMetadata.map(valueInfo)
  let open = true
  return {
    inputs,
    outputs,
    bind(inputTensors, outputTensors) {
      if (!open) throw new RuntimeError('graph: expected it open, got bind() after close()')
      checkInputs(inputs, inputTensors)
      checkOutputs(outputs, outputTensors)
      return createBinding(ort, session, () => open, inputTensors, outputTensors)
    },
    close() {
      if (open) void session.release()
      open = false
    },
  }
}

async function createSession(
  ort: typeof OnnxRuntime,
  model: Uint8Array | string,
  options: GraphOptions,
): Promise<InferenceSession> {
  const { device = 'cpu', threads = 1, optimization = 'all' } = options
  const settings: InferenceSession.SessionOptions = {
    executionProviders: [device],
    intraOpNumThreads: threads,
    graphOptimizationLevel: optimization,
    logSeverityLevel: 3,
    extra: extraEntries(options),
  }
  try {
    return typeof model === 'string'
      ? await ort.InferenceSession.create(model, settings)
      : await ort.InferenceSession.create(model, settings)
  } catch (error) {
    if (device !== 'cpu') throw deviceError(device, error)
    throw refused(error)
  }
}

// The binding joins nested keys with dots into session configuration entries.
function extraEntries(options: GraphOptions): Record<string, unknown> {
  const extra: Record<string, unknown> = {}
  if (options.spin !== undefined) extra['session'] = { intra_op: { allow_spinning: options.spin ? '1' : '0' } }
  if (options.disabledOptimizers?.length) {
    extra['optimization'] = { disable_specified_optimizers: options.disabledOptimizers.join(';') }
  }
  return extra
}

function valueInfo(metadata: InferenceSession.ValueMetadata): ValueInfo {
  const { name } = metadata
  if (!metadata.isTensor) throw new RuntimeError(`${name}: expected a tensor, got a sequence, map or optional value`)
  if (!isDtype(metadata.type)) throw new RuntimeError(`${name}: expected a dtype of ours, got ${metadata.type}`)
  return { name, dtype: metadata.type, shape: metadata.shape.map((size) => (size === '' ? '?' : size)) }
}

function createBinding(
  ort: typeof OnnxRuntime,
  session: InferenceSession,
  isOpen: () => boolean,
  inputs: Record<string, Tensor>,
  outputs: Record<string, Tensor>,
): Binding {
  const feeds: Record<string, OrtTensor> = {}
  for (const [name, { dtype, dims, data }] of Object.entries(inputs)) feeds[name] = new ort.Tensor(dtype, data, dims)
  const fetches = Object.keys(outputs)
  let held = true
  return {
    async run() {
      if (!held) throw new RuntimeError('binding: expected it held, got run() after release()')
      if (!isOpen()) throw new RuntimeError('graph: expected it open, got run() after close()')
      const results = await session.run(feeds, fetches).catch((error: unknown) => {
        throw refused(error)
      })
      for (const [name, output] of Object.entries(outputs)) copyResult(name, results[name], output)
    },
    release() {
      held = false
    },
  }
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
  return new RuntimeError(error instanceof Error ? error.message : String(error), { cause: error })
}
