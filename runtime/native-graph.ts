/** Graphs over ONNX Runtime's C API: synchronous, outputs written in the memory that is bound to them. */
import { checkInputs, checkOutputs } from './check.ts'
import { appendDevice } from './device.ts'
import { sharedEnvironment } from './environment.ts'
import { RuntimeError } from './errors.ts'
import type { Binding, Graph, GraphOptions, ValueInfo } from './graph.ts'
import { describeSession } from './introspect.ts'
import type { Library, Pointer } from './library.ts'
import { createUse, type Use } from './use.ts'
import { elementTypes, type Tensor } from './tensor.ts'

const optimizationLevels = { disabled: 0, basic: 1, all: 99 } as const

/** What closes each open graph of this thread. */
const openGraphs = new Set<() => void>()
let watching = false

/** A worker thread that crashes leaves native memory to the process: what is open is closed when the thread ends. */
function closeAll(): void {
  for (const close of openGraphs) close()
}

/** Opens a model. Throws RuntimeError if ONNX Runtime refuses it or the device is not there. */
export function createNativeGraph(library: Library, model: Uint8Array | string, options: GraphOptions): Graph {
  const reserved = reserve(library)
  try {
    return reserved.graph(createSession(library, reserved.environment, model, options))
  } catch (error) {
    reserved.close()
    throw error
  }
}

/** The same, while this thread goes on: what takes minutes is on another one. `model` must not change meanwhile. */
export async function createNativeGraphElsewhere(
  library: Library,
  model: Uint8Array,
  options: GraphOptions,
): Promise<Graph> {
  const settings = sessionSettings(library, options)
  const reserved = reserve(library)
  try {
    const make = () => library.createSessionElsewhere(reserved.environment, model, model.byteLength, settings)
    return reserved.graph(await reserved.during(make))
  } catch (error) {
    reserved.close()
    throw error
  } finally {
    library.ReleaseSessionOptions(settings)
  }
}

/** What every graph of this thread needs, before it has a session: closed when the thread ends, whatever happens. */
function reserve(library: Library) {
  const shared = sharedEnvironment(library)
  let session = 0n
  let open = true
  const close = () => {
    open = false
    openGraphs.delete(close)
    use.end()
  }
  const use = createUse(() => {
    if (session !== 0n) library.ReleaseSession(session)
    shared.leave()
  })
  shared.enter()
  if (!watching) process.once('exit', closeAll)
  watching = true
  openGraphs.add(close)
  return {
    environment: shared.environment,
    during: <T>(work: () => Promise<T>): Promise<T> => use.during(work),
    close,
    graph(made: Pointer): Graph {
      session = made
      const { inputs, outputs } = describeSession(library, session)
      const names = pinNames(library, [...inputs, ...outputs])
      const opened = { library, memory: shared.memory, names, use, session: () => (open ? session : 0n) }
      return {
        inputs,
        outputs,
        bind(inputTensors, outputTensors) {
          if (!open) throw new RuntimeError('graph: expected it open, got bind() after close()')
          checkInputs(inputs, inputTensors)
          checkOutputs(outputs, outputTensors)
          return createBinding(opened, inputTensors, outputTensors)
        },
        close() {
          if (open) close()
        },
      }
    },
  }
}

function createSession(
  library: Library,
  environment: Pointer,
  model: Uint8Array | string,
  options: GraphOptions,
): Pointer {
  const settings = sessionSettings(library, options)
  try {
    if (typeof model === 'string') return library.made('CreateSession', environment, library.pathBytes(model), settings)
    return library.made('CreateSessionFromArray', environment, model, model.byteLength, settings)
  } finally {
    library.ReleaseSessionOptions(settings)
  }
}

/** The options of a session, to be released. */
function sessionSettings(library: Library, options: GraphOptions): Pointer {
  const settings = library.made('CreateSessionOptions')
  try {
    library.SetIntraOpNumThreads(settings, options.threads ?? 1)
    library.SetSessionGraphOptimizationLevel(settings, optimizationLevels[options.optimization ?? 'all'])
    for (const [key, value] of configEntries(options)) library.AddSessionConfigEntry(settings, key, value)
    appendDevice(library, settings, options.device ?? 'cpu', options.deviceId ?? 0)
    return settings
  } catch (error) {
    library.ReleaseSessionOptions(settings)
    throw error
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

/** What a binding needs of its graph. */
interface OpenGraph {
  library: Library
  memory: Pointer
  names: NameTable
  /** Of the session: it is released after the last run. */
  use: Use
  session: () => Pointer
}

function createBinding(graph: OpenGraph, inputs: Record<string, Tensor>, outputs: Record<string, Tensor>): Binding {
  const { library, memory, names, session } = graph
  const inputCount = Object.keys(inputs).length
  const outputCount = Object.keys(outputs).length
  const table = new BigUint64Array(new ArrayBuffer((inputCount + outputCount) * 16 + 64))
  const inputNames = table.subarray(0, inputCount)
  const inputValues = table.subarray(inputCount, inputCount * 2)
  const outputNames = table.subarray(inputCount * 2, inputCount * 2 + outputCount)
  const outputValues = table.subarray(inputCount * 2 + outputCount)
  // Native memory does not keep what it points to, so this does: each value with its tensor.
  const values: { readonly value: Pointer; readonly tensor: Tensor }[] = []
  const fill = (tensors: Record<string, Tensor>, nameTable: BigUint64Array, valueTable: BigUint64Array): void => {
    for (const [index, [name, tensor]] of Object.entries(tensors).entries()) {
      const value = createValue(library, memory, tensor)
      values.push({ value, tensor })
      valueTable[index] = value
      nameTable[index] = names.addresses.get(name) ?? 0n
    }
  }
  let held = true
  const use = createUse(() => {
    for (const { value } of values.splice(0)) library.ReleaseValue(value)
  })
  const release = () => {
    held = false
    use.end()
  }
  try {
    fill(inputs, inputNames, inputValues)
    fill(outputs, outputNames, outputValues)
  } catch (error) {
    release()
    throw error
  }
  const call = () => {
    if (!held) throw new RuntimeError('binding: expected it held, got run() after release()')
    const open = session()
    if (open === 0n) throw new RuntimeError('graph: expected it open, got run() after close()')
    return [open, null, inputNames, inputValues, inputCount, outputNames, outputCount, outputValues] as const
  }
  return {
    run: () => library.Run(...call()),
    runElsewhere: async () => graph.use.during(() => use.during(() => library.runElsewhere(...call()))),
    release,
  }
}

function createValue(library: Library, memory: Pointer, { data, dims, dtype }: Tensor): Pointer {
  const shape = new BigInt64Array(new ArrayBuffer(dims.length * 8 + 64), 0, dims.length)
  for (const [axis, dim] of dims.entries()) shape[axis] = BigInt(dim)
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

/** The names of a graph's values as C strings, one after the other, and where each begins. */
interface NameTable {
  readonly bytes: Uint8Array
  readonly addresses: ReadonlyMap<string, Pointer>
}

function pinNames(library: Library, infos: readonly ValueInfo[]): NameTable {
  const text = Buffer.from(infos.map(({ name }) => `${name}\0`).join(''))
  const bytes = new Uint8Array(new ArrayBuffer(text.length + 64))
  bytes.set(text)
  const addresses = new Map<string, Pointer>()
  let address = library.addressOf(bytes)
  for (const { name } of infos) {
    addresses.set(name, address)
    address += BigInt(Buffer.byteLength(name) + 1)
  }
  return { bytes, addresses }
}
