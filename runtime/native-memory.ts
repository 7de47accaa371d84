/** Memory of a device through ONNX Runtime's C API: a session there hands it out, and copies to and from it. */
import { type DeviceOptions, memoryNames } from './device.ts'
import { type Environment, sharedEnvironment } from './environment.ts'
import { RuntimeError } from './errors.ts'
import type { Library, Pointer } from './library.ts'
import type { DeviceMemory, DeviceTensor } from './memory.ts'
import { createValue, shapeOf } from './native-value.ts'
import { openSession } from './session.ts'
import { createTensor, type Dtype, elementTypes, type Tensor, type TypedArray } from './tensor.ts'

export type DeviceChoice = Pick<DeviceOptions, 'device' | 'deviceId'>

const DEVICE_ALLOCATOR = 0
const DEFAULT_MEMORY = 0
/** As C strings, in memory that does not move. */
const [INPUT, OUTPUT] = ['x', 'y'].map((name) => Buffer.concat([Buffer.from(name)], 80)) as [Buffer, Buffer]

/** A tensor on the device, with its OrtValue. */
export class NativeTensor implements DeviceTensor {
  readonly dtype: Dtype
  readonly dims: readonly number[]
  readonly value: Pointer
  readonly #memory: NativeMemory

  constructor(memory: NativeMemory, value: Pointer, dtype: Dtype, dims: readonly number[]) {
    this.#memory = memory
    this.value = value
    this.dtype = dtype
    this.dims = [...dims]
  }

  read(): Tensor {
    const tensor = createTensor(this.dtype, this.dims)
    this.#memory.copy(this, tensor)
    return tensor
  }

  write(data: TypedArray): void {
    this.#memory.copy(createTensor(this.dtype, this.dims, data as never), this)
  }
}

/** Throws RuntimeError on construction if the device is not there. */
export class NativeMemory implements DeviceMemory {
  readonly #library: Library
  readonly #shared: Environment
  readonly #choice: DeviceChoice
  /** A session for each dtype, whose graph hands on what it is given. */
  readonly #copiers = new Map<Dtype, Pointer>()
  readonly #values: Pointer[] = []
  #allocator = 0n

  constructor(library: Library, choice: DeviceChoice) {
    this.#library = library
    this.#choice = choice
    this.#shared = sharedEnvironment(library)
    this.#shared.enter()
    try {
      this.#allocator = this.#createAllocator(choice)
    } catch (error) {
      this.#release()
      throw error
    }
  }

  allocate(dtype: Dtype, dims: readonly number[]): NativeTensor {
    this.#expectOpen('allocate()')
    const { data } = createTensor(dtype, dims)
    const code = elementTypes[dtype]
    const value = this.#library.made('CreateTensorAsOrtValue', this.#allocator, shapeOf(dims), dims.length, code)
    this.#values.push(value)
    const tensor = new NativeTensor(this, value, dtype, dims)
    tensor.write(data)
    return tensor
  }

  /** Copies all values; one of the two is on the device. */
  copy(from: Tensor | NativeTensor, to: Tensor | NativeTensor): void {
    this.#expectOpen('read() or write()')
    this.#withValue(from, (source) => this.#withValue(to, (target) => this.#run(from.dtype, source, target)))
  }

  close(): void {
    if (this.#allocator !== 0n) this.#release()
  }

  #run(dtype: Dtype, source: Pointer, target: Pointer): void {
    const pointers = BigUint64Array.of(this.#library.addressOf(INPUT), source, this.#library.addressOf(OUTPUT), target)
    const [inputNames, inputs, outputNames, outputs] = [0, 1, 2, 3].map((i) => pointers.subarray(i, i + 1))
    this.#library.Run(this.#copier(dtype), null, inputNames!, inputs!, 1, outputNames!, 1, outputs!)
  }

  #withValue(tensor: Tensor | NativeTensor, use: (value: Pointer) => void): void {
    if (tensor instanceof NativeTensor) return use(tensor.value)
    const value = createValue(this.#library, this.#shared.memory, tensor)
    try {
      use(value)
    } finally {
      this.#library.ReleaseValue(value)
    }
  }

  #copier(dtype: Dtype): Pointer {
    const known = this.#copiers.get(dtype)
    if (known !== undefined) return known
    const { environment } = this.#shared
    const session = openSession(this.#library, environment, identityModel(elementTypes[dtype]), this.#choice)
    this.#copiers.set(dtype, session)
    return session
  }

  #createAllocator({ device = 'cpu', deviceId = 0 }: DeviceChoice): Pointer {
    const library = this.#library
    const session = this.#copier('float32')
    const memory = library.made('CreateMemoryInfo', memoryNames[device], DEVICE_ALLOCATOR, deviceId, DEFAULT_MEMORY)
    try {
      return library.made('CreateAllocator', session, memory)
    } finally {
      library.ReleaseMemoryInfo(memory)
    }
  }

  #expectOpen(what: string): void {
    if (this.#allocator === 0n) throw new RuntimeError(`device memory: expected it open, got ${what} after close()`)
  }

  #release(): void {
    for (const value of this.#values.splice(0)) this.#library.ReleaseValue(value)
    if (this.#allocator !== 0n) this.#library.ReleaseAllocator(this.#allocator)
    this.#allocator = 0n
    for (const session of this.#copiers.values()) this.#library.ReleaseSession(session)
    this.#copiers.clear()
    this.#shared.leave()
  }
}

/** The ONNX model y = Identity(x), for x of any shape and the element type of that code. */
export function identityModel(type: number): Uint8Array {
  const GRAPH = 7
  const OPSET = 8
  const node = [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Identity')]
  const value = (name: string) => [...text(1, name), ...bytes(2, bytes(1, [1 << 3, type]))]
  const graph = [...bytes(1, node), ...text(2, 'copy'), ...bytes(11, value('x')), ...bytes(12, value('y'))]
  const opset = [...text(1, ''), 2 << 3, 21]
  return Uint8Array.from([1 << 3, 10, ...bytes(GRAPH, graph), ...bytes(OPSET, opset)])
}

/** A protobuf field of fewer than 128 bytes. */
function bytes(field: number, value: readonly number[]): number[] {
  return [(field << 3) | 2, value.length, ...value]
}

const text = (field: number, value: string): number[] => bytes(field, [...Buffer.from(value)])
