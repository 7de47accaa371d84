/** Graphs over ONNX Runtime's C API: synchronous, outputs written in the memory that is bound to them. */
import { checkInputs, checkOutputs } from './check.ts'
import { appendDevice } from './device.ts'
import { sharedEnvironment } from './environment.ts'
import { RuntimeError } from './errors.ts'
import type { Binding, Graph, GraphOptions } from './graph.ts'
import { describeSession } from './introspect.ts'
import type { Library, Pointer } from './library.ts'
import { elementTypes, type Tensor } from './tensor.ts'

const optimizationLevels = { disabled: 0, basic: 1, all: 99 } as const

/** Opens a model. Throws RuntimeError if ONNX Runtime refuses it or the device is not there. */
export function createNativeGraph(library: Library, model: Uint8Array | string, options: GraphOptions): Graph {
  const shared = sharedEnvironment(library)
  let session = 0n
  const close = () => {
    if (session !== 0n) library.ReleaseSession(session)
    session = 0n
    shared.leave()
  }
  shared.enter()
  try {
    session = createSession(library, shared.environment, model, options)
    const { inputs, outputs } = describeSession(library, session)
    return {
      inputs,
      outputs,
      bind(inputTensors, outputTensors) {
        if (session === 0n) throw new RuntimeError('graph: expected it open, got bind() after close()')
        checkInputs(inputs, inputTensors)
        checkOutputs(outputs, outputTensors)
        return createBinding(library, () => session, shared.memory, inputTensors, outputTensors)
      },
      close() {
        if (session !== 0n) close()
      },
    }
  } catch (error) {
    close()
    throw error
  }
}

function createSession(
  library: Library,
  environment: Pointer,
  model: Uint8Array | string,
  options: GraphOptions,
): Pointer {
  const settings = library.made('CreateSessionOptions')
  try {
    library.SetIntraOpNumThreads(settings, options.threads ?? 1)
    library.SetSessionGraphOptimizationLevel(settings, optimizationLevels[options.optimization ?? 'all'])
    for (const [key, value] of configEntries(options)) library.AddSessionConfigEntry(settings, key, value)
    appendDevice(library, settings, options.device ?? 'cpu')
    if (typeof model === 'string') {
      return library.made('CreateSession', environment, library.pathBytes(model), settings)
    }
    return library.made('CreateSessionFromArray', environment, model, model.byteLength, settings)
  } finally {
    library.ReleaseSessionOptions(settings)
  }
}

function configEntries(options: GraphOptions): [key: string, value: string][] {
  const entries: [string, string][] = [['session.use_env_allocators', '1']]
  if (options.spin !== undefined) entries.push(['session.intra_op.allow_spinning', options.spin ? '1' : '0'])
  if (options.disabledOptimizers?.length) {
    entries.push(['optimization.disable_specified_optimizers', options.disabledOptimizers.join(';')])
  }
  return entries
}

function createBinding(
  library: Library,
  session: () => Pointer,
  memory: Pointer,
  inputs: Record<string, Tensor>,
  outputs: Record<string, Tensor>,
): Binding {
  const values: Pointer[] = []
  // Native memory does not keep what it points to, so this does: the tensors' data and the names.
  const kept: unknown[] = [inputs, outputs]
  const valueOf = (tensor: Tensor): Pointer => {
    const value = createValue(library, memory, tensor)
    values.push(value)
    return value
  }
  const nameOf = (name: string): Pointer => {
    const bytes = pinnedString(name)
    kept.push(bytes)
    return library.addressOf(bytes)
  }
  const release = () => {
    for (const value of values.splice(0)) library.ReleaseValue(value)
    kept.length = 0
  }
  try {
    const inputNames = pointers(Object.keys(inputs).map(nameOf))
    const outputNames = pointers(Object.keys(outputs).map(nameOf))
    const inputValues = pointers(Object.values(inputs).map(valueOf))
    const outputValues = pointers(Object.values(outputs).map(valueOf))
    const inputCount = inputNames.length
    const outputCount = outputNames.length
    return {
      run() {
        if (kept.length === 0) throw new RuntimeError('binding: expected it held, got run() after release()')
        const open = session()
        if (open === 0n) throw new RuntimeError('graph: expected it open, got run() after close()')
        library.Run(open, null, inputNames, inputValues, inputCount, outputNames, outputCount, outputValues)
      },
      release,
    }
  } catch (error) {
    release()
    throw error
  }
}

function createValue(library: Library, memory: Pointer, tensor: Tensor): Pointer {
  const { data, dims, dtype } = tensor
  const shape = new BigInt64Array(new ArrayBuffer(dims.length * 8 + 64), 0, dims.length)
  shape.set(dims.map(BigInt))
  const address = library.addressOf(data)
  return library.made(
    'CreateTensorWithDataAsOrtValue',
    memory,
    address,
    data.byteLength,
    shape,
    dims.length,
    elementTypes[dtype],
  )
}

function pointers(addresses: readonly Pointer[]): BigUint64Array {
  const array = new BigUint64Array(new ArrayBuffer(addresses.length * 8 + 64), 0, addresses.length)
  array.set(addresses)
  return array
}

function pinnedString(text: string): Uint8Array {
  const bytes = Buffer.from(`${text}\0`)
  const pinned = new Uint8Array(new ArrayBuffer(bytes.length + 64), 0, bytes.length)
  pinned.set(bytes)
  return pinned
}
