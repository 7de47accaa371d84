/** Graphs over ONNX Runtime's C API: synchronous, outputs written in the memory that is bound to them. */
import { checkInputs, checkOutputs } from './check.ts'
import { sharedEnvironment } from './environment.ts'
import { RuntimeError } from './errors.ts'
import type { Binding, BoundTensor, Graph, GraphOptions, ValueInfo } from './graph.ts'
import { describeSession } from './introspect.ts'
import type { Library, Pointer } from './library.ts'
import { NativeTensor } from './native-memory.ts'
import { createValue } from './native-value.ts'
import { openSession } from './session.ts'

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
    session = openSession(library, shared.environment, model, options)
    const { inputs, outputs } = describeSession(library, session)
    const names = pinNames(library, [...inputs, ...outputs])
    const open = { library, memory: shared.memory, names, session: () => session }
    let bound = 0
    return {
      inputs,
      outputs,
      bind(inputTensors, outputTensors) {
        if (session === 0n) throw new RuntimeError('graph: expected it open, got bind() after close()')
        checkInputs(inputs, inputTensors)
        checkOutputs(outputs, outputTensors)
        const recording = options.capture === true ? ++bound : null
        return createBinding(open, inputTensors, outputTensors, recording)
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

/** What a binding needs of its graph. */
interface OpenGraph {
  library: Library
  memory: Pointer
  names: NameTable
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
  const values: Pointer[] = []
  // Native memory does not keep what it points to, so this does.
  let kept: readonly unknown[] = [inputs, outputs, names]
  let runOptions: Pointer | null = null
  const valueOf = (name: string, tensor: BoundTensor): Pointer => {
    if (tensor instanceof NativeTensor) return tensor.value
    if (recording !== null) throw new RuntimeError(`${name}: expected memory of the device, since runs are recorded`)
    if (!('data' in tensor)) throw new RuntimeError(`${name}: expected memory of ONNX Runtime's C API, got another's`)
    const value = createValue(library, memory, tensor)
    values.push(value)
    return value
  }
  const fill = (tensors: Record<string, BoundTensor>, nameTable: BigUint64Array, valueTable: BigUint64Array): void => {
    for (const [index, [name, tensor]] of Object.entries(tensors).entries()) {
      valueTable[index] = valueOf(name, tensor)
      nameTable[index] = names.addresses.get(name) ?? 0n
    }
  }
  const release = () => {
    for (const value of values.splice(0)) library.ReleaseValue(value)
    if (runOptions !== null) library.ReleaseRunOptions(runOptions)
    runOptions = null
    kept = []
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
    if (kept.length === 0) throw new RuntimeError('binding: expected it held, got run() after release()')
    const open = session()
    if (open === 0n) throw new RuntimeError('graph: expected it open, got run() after close()')
    return [open, runOptions, inputNames, inputValues, inputCount, outputNames, outputCount, outputValues] as const
  }
  return {
    run: () => library.Run(...call()),
    runElsewhere: async () => library.runElsewhere(...call()),
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
