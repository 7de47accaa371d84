import { expect, describe, test } from 'vitest'
import { cudaSettings, deviceError } from '../../runtime/device.ts'
import { RuntimeError } from '../../runtime/errors.ts'
import { loadBinding, loadLibrary } from '../../runtime/library.ts'
import { createBindingGraph } from '../../runtime/binding-graph.ts'
import { hostMemory } from '../../runtime/memory.ts'
import { createNativeGraph } from '../../runtime/native-graph.ts'
import { NativeMemory } from '../../runtime/native-memory.ts'
import { openMemory } from '../../runtime/open-graph.ts'
import { createTensor, type Dtype, TensorError } from '../../runtime/tensor.ts'
import { addOne } from './models.ts'

const library = loadLibrary()
const values: [Dtype, number[]][] = [
  ['float32', [-1.5, 2 ** 100, 0]],
  ['int32', [-(2 ** 31), 2 ** 31 - 1, 0]],
  ['int64', [-(2 ** 53), 2 ** 53, -1]],
  ['bool', [1, 0, 1]],
  ['uint8', [255, 0, 1]],
  ['int8', [-128, 127, -1]],
  ['float16', [0x3c00, 0xbc00, 0x7bff]],
]

// The CPU's allocator stands for a device's: what is allocated, copied and bound goes the same way.
describe.each([
  ['ordinary memory', () => hostMemory],
  ['memory of a session', () => new NativeMemory(library, { device: 'cpu' })],
] as const)('%s', (_, open) => {
  test.each(values)('%s starts as zeros and gives back what was written', (dtype, numbers) => {
    const memory = open()
    const tensor = memory.allocate(dtype, [1, 3])
    expect(Array.from(tensor.read().data, Number)).toEqual([0, 0, 0])
    const { data } = createTensor(dtype, [1, 3], numbers)
    tensor.write(data)
    expect(tensor.read()).toEqual({ dtype, dims: [1, 3], data })
    memory.close()
  })

  test('scalars and tensors without elements are copied too', () => {
    const memory = open()
    const [scalar, none] = [memory.allocate('float32', []), memory.allocate('float32', [0, 4])]
    scalar.write(Float32Array.of(7))
    expect([...scalar.read().data]).toEqual([7])
    expect(none.read().data.length).toBe(0)
    memory.close()
  })

  test('what is read is a copy', () => {
    const memory = open()
    const tensor = memory.allocate('float32', [2])
    const copy = tensor.read()
    copy.data.fill(5 as never)
    expect([...tensor.read().data]).toEqual([0, 0])
    memory.close()
  })

  test('values of another type or number are refused, and change nothing', () => {
    const memory = open()
    const tensor = memory.allocate('float32', [2])
    expect(() => tensor.write(Float32Array.of(1, 2, 3))).toThrow(
      new TensorError('float32 [2]: expected 2 elements, got 3'),
    )
    expect(() => tensor.write(Int32Array.of(1, 2))).toThrow(
      new TensorError('float32: expected data in a Float32Array, got Int32Array'),
    )
    expect([...tensor.read().data]).toEqual([0, 0])
    memory.close()
  })

  test('graphs read and write it in place, one after the other', async () => {
    const memory = open()
    const [x, y, z] = [0, 1, 2].map(() => memory.allocate('float32', [1, 2]))
    const [first, second] = [createNativeGraph(library, addOne, {}), createNativeGraph(library, addOne, {})]
    x!.write(Float32Array.of(1, 2))
    const bindings = [first.bind({ x: x! }, { y: y! }), second.bind({ x: y! }, { y: z! })]
    for (const binding of bindings) await binding.run()
    expect([...z!.read().data]).toEqual([3, 4])
    x!.write(Float32Array.of(10, 20))
    for (const binding of bindings) await binding.run()
    expect([...z!.read().data]).toEqual([12, 22])
    for (const binding of bindings) binding.release()
    memory.close()
    for (const graph of [first, second]) graph.close()
  })
})

test('nothing is allocated, read or written after close', () => {
  const memory = new NativeMemory(library, {})
  const tensor = memory.allocate('float32', [1])
  memory.close()
  memory.close()
  const closed = (what: string) => new RuntimeError(`device memory: expected it open, got ${what} after close()`)
  expect(() => memory.allocate('float32', [1])).toThrow(closed('allocate()'))
  expect(() => tensor.read()).toThrow(closed('read() or write()'))
  expect(() => tensor.write(Float32Array.of(1))).toThrow(closed('read() or write()'))
})

test("onnxruntime-node's own binding refuses memory of a device by name", async () => {
  const memory = new NativeMemory(library, {})
  const graph = await createBindingGraph(loadBinding(), addOne, {})
  const x = memory.allocate('float32', [1, 2])
  expect(() => graph.bind({ x }, { y: createTensor('float32', [1, 2]) })).toThrow(/^x: expected ordinary memory/)
  memory.close()
})

test('a device that is not there has no memory', () => {
  expect(() => openMemory({ device: 'cuda', deviceId: 99 })).toThrow(/^device cuda: not available here \(/)
})

test('the error of a device says why and what to do, without places in the source of ONNX Runtime', () => {
  const missing =
    '/onnxruntime_src/core/session/provider_bridge_ort.cc:1988 Provider& Get() [ONNXRuntimeError] : 1 : FAIL : ' +
    'Failed to load library /x/libonnxruntime_providers_shared.so'
  expect(deviceError('cuda', new RuntimeError(missing)).message).toBe(
    'device cuda: not available here (Failed to load library /x/libonnxruntime_providers_shared.so); ' +
      'npm run setup:cuda and the CUDA libraries make it available (docs/training.md)',
  )
  const none = '/onnxruntime_src/webgpu_context.cc:136 Status::Success was false. Failed to get a WebGPU adapter'
  expect(deviceError('webgpu', none).message).toBe(
    'device webgpu: not available here (Failed to get a WebGPU adapter); it needs a driver of Vulkan, Metal or Direct3D 12',
  )
})

test('CUDA computes float32 in float32 unless TF32 is asked for', () => {
  expect(cudaSettings({})).toEqual({ device_id: '0', use_tf32: '0', enable_cuda_graph: '0' })
  expect(cudaSettings({ deviceId: 1, tf32: true })).toMatchObject({ device_id: '1', use_tf32: '1' })
  expect(cudaSettings({ capture: true })).toMatchObject({ enable_cuda_graph: '1' })
})
