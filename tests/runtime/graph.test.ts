import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/errors.ts'
import type { GraphOptions } from '../../runtime/graph.ts'
import { openGraph, openMemory, runtimeInfo } from '../../runtime/open-graph.ts'
import { createTensor, view, type Dtype, type Tensor } from '../../runtime/tensor.ts'
import { DOUBLE, FLOAT, onnxModel } from '../support/onnx-model.ts'
import { bindings } from './bindings.ts'
import { accumulate, addOne, constantProduct, everyDtype, linearAttention, withDefault } from './models.ts'

test('opened on another thread it is the same, and what is no model is refused', async () => {
  const opening = openGraph(addOne, { elsewhere: true })
  await expect(openGraph(new Uint8Array(64), { elsewhere: true })).rejects.toThrow(RuntimeError)
  const graph = await opening
  const y = createTensor('float32', [1, 2])
  await graph.bind({ x: createTensor('float32', [1, 2], [1, 2]) }, { y }).run()
  expect([...y.data]).toEqual([2, 3])
  graph.close()
})

describe.each(bindings)('$binding', ({ binding: runtime, open }) => {
  test('a graph says what it takes and gives, with the names of its free dimensions', async () => {
    const graph = await open(accumulate)
    expect(graph.inputs).toEqual([
      { name: 'state.memory', dtype: 'float32', shape: ['batch', 64, 256] },
      { name: 'step', dtype: 'float32', shape: ['batch', 64, 256] },
    ])
    expect(graph.outputs).toEqual([
      { name: 'next.memory', dtype: 'float32', shape: ['batch', 64, 256] },
      { name: 'total', dtype: 'float32', shape: [] },
    ])
    graph.close()
  })

  test('a run reads its inputs and writes its outputs where they are bound, every time', async () => {
    const graph = await open(addOne)
    const x = createTensor('float32', [1, 2], [1, 2])
    const y = createTensor('float32', [1, 2])
    const binding = graph.bind({ x }, { y })
    await binding.run()
    expect([...y.data]).toEqual([2, 3])
    x.data.set([10, 20])
    await binding.run()
    expect([...y.data]).toEqual([11, 21])
    binding.release()
    graph.close()
  })

  test('a model opens from a file as from its bytes', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'mneme-')), 'zwölf 12.onnx')
    writeFileSync(path, addOne)
    const graph = await open(path)
    const y = createTensor('float32', [2, 2])
    await graph.bind({ x: createTensor('float32', [2, 2], [1, 2, 3, 4]) }, { y }).run()
    expect([...y.data]).toEqual([2, 3, 4, 5])
    graph.close()
  })

  test('every dtype passes through unchanged', async () => {
    const graph = await open(everyDtype)
    expect(graph.inputs.map(({ name }) => name)).toEqual(graph.inputs.map(({ dtype }) => dtype))
    const values: Record<Dtype, number[]> = {
      float32: [-1.5, 2 ** 100, 0],
      int32: [-(2 ** 31), 2 ** 31 - 1, 0],
      int64: [-(2 ** 53), 2 ** 53, -1],
      bool: [1, 0, 1],
      uint8: [255, 0, 1],
      int8: [-128, 127, -1],
      float16: [0x3c00, 0xbc00, 0x7bff],
    }
    const entries = Object.entries(values) as [Dtype, number[]][]
    const inputs = Object.fromEntries(entries.map(([dtype, numbers]) => [dtype, createTensor(dtype, [3], numbers)]))
    const outputs = Object.fromEntries(entries.map(([dtype]) => [`${dtype}.copy`, createTensor(dtype, [3])]))
    await graph.bind(inputs, outputs).run()
    for (const [dtype, numbers] of entries) {
      expect(Array.from(outputs[`${dtype}.copy`]?.data ?? [], Number), dtype).toEqual(numbers)
    }
    graph.close()
  })

  test('a batch of none runs and gives none', async () => {
    const graph = await open(addOne)
    const y = createTensor('float32', [0, 2])
    await graph.bind({ x: createTensor('float32', [0, 2]) }, { y }).run()
    expect(y.data.length).toBe(0)
    graph.close()
  })

  test('views of one memory are bound each at its place', async () => {
    const graph = await open(addOne)
    const all = createTensor('float32', [3, 2], [0, 1, 2, 3, 4, 5])
    await graph.bind({ x: view(all, [1, 2], 2) }, { y: view(all, [1, 2], 4) }).run()
    expect([...all.data]).toEqual([0, 1, 2, 3, 3, 4])
    graph.close()
  })

  test('an input with a default may be left out, and may be bound', async () => {
    const graph = await open(withDefault)
    expect(graph.inputs).toEqual([
      { name: 'x', dtype: 'float32', shape: ['batch', 2] },
      { name: 'offset', dtype: 'int64', shape: [], optional: true },
    ])
    const x = createTensor('float32', [1, 2], [1, 2])
    const y = createTensor('float32', [1, 2])
    await graph.bind({ x }, { y }).run()
    expect([...y.data]).toEqual([6, 7])
    await graph.bind({ x, offset: createTensor('int64', [], [-1n]) }, { y }).run()
    expect([...y.data]).toEqual([0, 1])
    graph.close()
  })

  test('only the outputs that are bound are needed', async () => {
    const graph = await open(accumulate)
    const dims = [1, 64, 256]
    const step = createTensor('float32', dims, new Float32Array(64 * 256).fill(2))
    const total = createTensor('float32', [])
    await graph.bind({ 'state.memory': createTensor('float32', dims), step }, { total }).run()
    expect([...total.data]).toEqual([2 * 64 * 256])
    graph.close()
  })

  test.each([1, 7])(
    'state bound as input and output of one memory has the same bits as apart (time %i)',
    async (time) => {
      const [batch, layers, heads, width] = [2, 2, 4, 16]
      const graph = await open(linearAttention(layers, heads, width))
      const random = randomNumbers(time)
      const filled = (dims: number[], map: (x: number) => number = (x) => x) =>
        createTensor(
          'float32',
          dims,
          Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => map(random())),
        )
      const inputs = {
        q: filled([batch, time, heads * width]),
        k: filled([batch, time, heads * width], (x) => x / width),
        v: filled([batch, time, heads * width]),
        decay: filled([batch, time, heads], (x) => -Math.abs(x)),
        beta: filled([batch, time, heads], Math.abs),
      }
      const states = Array.from({ length: layers }, () => filled([batch, heads, width, width]))
      const apart = states.map(({ dims }) => createTensor('float32', dims))
      const together = states.map(({ dims, data }) => createTensor('float32', dims, data.slice()))
      const y = createTensor('float32', [batch, time, heads * width])
      const y2 = createTensor('float32', [batch, time, heads * width])

      await graph.bind({ ...inputs, ...byLayer('state', states) }, { y, ...byLayer('next', apart) }).run()
      await graph.bind({ ...inputs, ...byLayer('state', together) }, { y: y2, ...byLayer('next', together) }).run()
      expect(y2.data).toEqual(y.data)
      for (const [layer, tensor] of together.entries()) {
        expect(tensor.data).toEqual(apart[layer]?.data)
        expect(tensor.data).not.toEqual(states[layer]?.data)
      }
      graph.close()
    },
  )

  test.each([
    ['a missing input', {}, { y: [1, 2] }, 'x: expected a bound input [batch, 2], got none'],
    [
      'an unknown input',
      { x: [1, 2], z: [1, 2] },
      { y: [1, 2] },
      'z: expected an input of the graph (x), got this name',
    ],
    ['an unknown output', { x: [1, 2] }, { z: [1, 2] }, 'z: expected an output of the graph (y), got this name'],
    ['no output', { x: [1, 2] }, {}, 'outputs: expected at least one of y, got none'],
    ['another size', { x: [1, 3] }, { y: [1, 2] }, 'x: expected [batch, 2], got [1, 3]'],
    ['another rank', { x: [2] }, { y: [1, 2] }, 'x: expected [batch, 2], got [2]'],
    ['an output of another size', { x: [1, 2] }, { y: [1, 3] }, 'y: expected [batch, 2], got [1, 3]'],
  ])('%s is refused before the run', async (_, inputs, outputs, message) => {
    const graph = await open(addOne)
    expect(() =>
      graph.bind(zeros(inputs as Record<string, number[]>), zeros(outputs as Record<string, number[]>)),
    ).toThrow(new RuntimeError(message))
    graph.close()
  })

  test('a state of another size is refused by name', async () => {
    const graph = await open(accumulate)
    const step = createTensor('float32', [1, 64, 256])
    const total = createTensor('float32', [])
    const bind = (memory: Tensor) => () => graph.bind({ 'state.memory': memory, step }, { total })
    expect(bind(createTensor('float32', [1, 64, 128]))).toThrow(
      'state.memory: expected [batch, 64, 256], got [1, 64, 128]',
    )
    expect(bind(createTensor('int32', [1, 64, 256]))).toThrow('state.memory: expected float32, got int32')
    expect(bind(createTensor('float32', [2, 64, 256]))).toThrow(
      'step: expected batch to be 2 as in state.memory, got [1, 64, 256]',
    )
    graph.close()
  })

  test('an output of the wrong free size fails the run', async () => {
    const graph = await open(addOne)
    const binding = graph.bind({ x: createTensor('float32', [1, 2]) }, { y: createTensor('float32', [3, 2]) })
    await expect(async () => binding.run()).rejects.toThrow(RuntimeError)
    graph.close()
  })

  test('what is not a model is refused with the message of ONNX Runtime', async () => {
    await expect(open(Uint8Array.of(1, 2, 3))).rejects.toThrow(RuntimeError)
    await expect(open('/nowhere/decoder.onnx')).rejects.toThrow('/nowhere/decoder.onnx')
    const unknown = onnxModel({
      nodes: [{ op: 'NoSuchOperator', inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', type: FLOAT, shape: [1] }],
      outputs: [{ name: 'y', type: FLOAT, shape: [1] }],
    })
    await expect(open(unknown)).rejects.toThrow('NoSuchOperator')
  })

  test('a dtype that tensors here cannot have is refused by name', async () => {
    const double = onnxModel({
      nodes: [{ op: 'Identity', inputs: ['wide'], outputs: ['y'] }],
      inputs: [{ name: 'wide', type: DOUBLE, shape: [1] }],
      outputs: [{ name: 'y', type: DOUBLE, shape: [1] }],
    })
    await expect(open(double)).rejects.toThrow(/^wide: expected /)
  })

  test('optimization and its single steps can be switched off', async () => {
    const model = constantProduct(512)
    const fastest = async (options: GraphOptions) => {
      const graph = await open(model, options)
      const binding = graph.bind({ x: createTensor('float32', [1, 2]) }, { y: createTensor('float32', [1, 2]) })
      let fastestMs = Infinity
      for (let round = 0; round < 5; round++) {
        const start = performance.now()
        await binding.run()
        fastestMs = Math.min(fastestMs, performance.now() - start)
      }
      graph.close()
      return fastestMs
    }
    const folded = await fastest({})
    expect(await fastest({ optimization: 'disabled' })).toBeGreaterThan(5 * folded)
    expect(await fastest({ disabledOptimizers: ['ConstantFolding'] })).toBeGreaterThan(5 * folded)
  })

  test.each(['tf32', 'capture', 'unordered'] as const)('%s is refused where the device is not CUDA', async (option) => {
    await expect(open(addOne, { [option]: true })).rejects.toThrow(
      new RuntimeError(`${option}: expected device cuda, got cpu`),
    )
  })

  test('nothing runs after release or close', async () => {
    const graph = await open(addOne)
    const [x, y] = [createTensor('float32', [1, 2]), createTensor('float32', [1, 2])]
    const released = graph.bind({ x }, { y })
    released.release()
    released.release()
    await expect(async () => released.run()).rejects.toThrow('binding: expected it held, got run() after release()')
    const binding = graph.bind({ x }, { y })
    graph.close()
    graph.close()
    await expect(async () => binding.run()).rejects.toThrow('graph: expected it open, got run() after close()')
    expect(() => graph.bind({ x }, { y })).toThrow('graph: expected it open, got bind() after close()')
    binding.release()
  })

  test.each(['cuda', 'webgpu'] as const)(
    'device %s runs there or is refused, never quietly on the CPU',
    async (device) => {
      const opened = await open(addOne, { device }).catch((error: unknown) => error)
      if (opened instanceof Error) {
        expect(opened).toBeInstanceOf(RuntimeError)
        expect(opened.message).toMatch(new RegExp(`^device ${device}: not available here \\(`))
        return
      }
      const graph = opened as Awaited<ReturnType<typeof open>>
      // Where the device is not there this throws, and a graph of the CPU could not write into it
      const memory = openMemory({ device })
      const y = runtime === 'c-api' ? memory.allocate('float32', [1, 2]) : createTensor('float32', [1, 2])
      await graph.bind({ x: createTensor('float32', [1, 2], [1, 2]) }, { y }).run()
      expect([...('read' in y ? y.read() : y).data]).toEqual([2, 3])
      graph.close()
      memory.close()
    },
  )
})

test('the C API is what openGraph uses here, and it says so', async () => {
  expect(runtimeInfo()).toEqual({ version: '1.30.0', binding: 'c-api' })
  const graph = await openGraph(addOne)
  expect(
    graph.bind({ x: createTensor('float32', [1, 2]) }, { y: createTensor('float32', [1, 2]) }).run(),
  ).toBeUndefined()
  graph.close()
})

function byLayer(prefix: string, tensors: Tensor[]): Record<string, Tensor> {
  return Object.fromEntries(tensors.map((tensor, layer) => [`${prefix}.${layer}`, tensor]))
}

function zeros(shapes: Record<string, number[]>): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(shapes).map(([name, dims]) => [name, createTensor('float32', dims)]))
}

// Deterministic numbers in [-1, 1).
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return state / 2 ** 31
  }
}
