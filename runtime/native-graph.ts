/** Graphs over ONNX Runtime's C API: synchronous, outputs written in the memory that is bound to them. */
import { checkInputs, checkOutputs } from './check.ts'
import { sharedEnvironment } from './environment.ts'
import { RuntimeError } from './errors.ts'
import type { Binding, BoundTensor, Graph, GraphOptions, ValueInfo } from './graph.ts'
import { describeSession } from './introspect.ts'
import type { Library, Pointer } from './library.ts'
import { NativeTensor } from './native-memory.ts'
import { createValue } from './native-value.ts'
import { openSession, openSessionElsewhere } from './session.ts'
import type { Tensor } from './tensor.ts'
import { createUse, type Use } from './use.ts'

/** What closes each open graph of this thread. */
const openGraphs = new Set<() => void>()
let watching = false

/** A worker thread that crashes leaves native memory to the process: what is open is closed when the thread ends. */
function closeAll(): void {
  for (const close of openGraphs) close()
}

/** Opens a model. Throws RuntimeError if ONNX Runtime refuses it or the device is not there. */
export function createNativeGraph(library: Library, model: Uint8Array | string, options: GraphOptions): Graph {
  const reserved = reserve(library, options)
  try {
    return reserved.graph(openSession(library, reserved.environment, model, options))
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
  const reserved = reserve(library, options)
  try {
    const open = () => openSessionElsewhere(library, reserved.environment, model, options)
    return reserved.graph(await reserved.during(open))
  } catch (error) {
    reserved.close()
    throw error
  }
}

/** What every graph of this thread needs, before it has a session: closed when the thread ends, whatever happens. */
function reserve(library: Library, { capture = false }: GraphOptions) {
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
    graph(opened: Pointer): Graph {
      session = opened
      const { inputs, outputs } = describeSession(library, session)
      const names = pinNames(library, [...inputs, ...outputs])
      const graph = { library, memory: shared.memory, names, use, session: () => (open ? session : 0n) }
      let bound = 0
      return {
        inputs,
        outputs,
        bind(inputTensors, outputTensors) {
          if (!open) throw new RuntimeError('graph: expected it open, got bind() after close()')
          checkInputs(inputs, inputTensors)
          checkOutputs(outputs, outputTensors)
          return createBinding(graph, inputTensors, outputTensors, capture ? ++bound : null)
        },
        close() {
          if (open) close()
        },
      }
    },
  }
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

function createBinding(
  graph: OpenGraph,
  inputs: Record<string, BoundTensor>,
  outputs: Record<string, BoundTensor>,
  recording: number | null,
): Binding {
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
  let runOptions: Pointer | null = null
  const valueOf = (name: string, tensor: BoundTensor): Pointer => {
    if (tensor instanceof NativeTensor) return tensor.value
    if (recording !== null) throw new RuntimeError(`${name}: expected memory of the device, since runs are recorded`)
    if (!('data' in tensor)) throw new RuntimeError(`${name}: expected memory of ONNX Runtime's C API, got another's`)
    const value = createValue(library, memory, tensor)
    values.push({ value, tensor })
    return value
  }
  const fill = (tensors: Record<string, BoundTensor>, nameTable: BigUint64Array, valueTable: BigUint64Array): void => {
    for (const [index, [name, tensor]] of Object.entries(tensors).entries()) {
      valueTable[index] = valueOf(name, tensor)
      nameTable[index] = names.addresses.get(name) ?? 0n
    }
  }
  let held = true
  const use = createUse(() => {
    for (const { value } of values.splice(0)) library.ReleaseValue(value)
    if (runOptions !== null) library.ReleaseRunOptions(runOptions)
  })
  const release = () => {
    held = false
    use.end()
  }
  try {
    fill(inputs, inputNames, inputValues)
    fill(outputs, outputNames, outputValues)
    if (recording !== null) {
      runOptions = library.made('CreateRunOptions')
      library.AddRunConfigEntry(runOptions, 'gpu_graph_id', String(recording))
    }
  } catch (error) {
    release()
    throw error
  }
  const call = () => {
    if (!held) throw new RuntimeError('binding: expected it held, got run() after release()')
    const open = session()
    if (open === 0n) throw new RuntimeError('graph: expected it open, got run() after close()')
    return [open, runOptions, inputNames, inputValues, inputCount, outputNames, outputCount, outputValues] as const
  }
  return {
    run: () => library.Run(...call()),
    runElsewhere: async () => graph.use.during(() => use.during(() => library.runElsewhere(...call()))),
    release,
  }
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
