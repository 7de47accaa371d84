import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { Graph } from '../../runtime/graph.ts'
import { loadLibrary } from '../../runtime/library.ts'
import { createNativeGraph } from '../../runtime/native-graph.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { createUse } from '../../runtime/use.ts'
import { createDeferred } from '../../server/deferred.ts'
import { bindings } from './bindings.ts'
import { addOne, everyDtype, heavy, wide } from './models.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function residentMiB(): number {
  collect()
  return process.memoryUsage.rss() / 2 ** 20
}

// What allocators keep for themselves varies by tens of MiB; the leaks looked for would be hundreds.
const NOISE_MIB = 90

test('graphs share what they need to compute, and the last one to close gives it back', async () => {
  const library = loadLibrary()
  const run = async (rows: number): Promise<Graph> => {
    const graph = createNativeGraph(library, wide(rows, 1000), {})
    const inputs = { x: createTensor('float32', [rows, 1]), weights: createTensor('float32', [1, 1000]) }
    await graph.bind(inputs, { y: createTensor('float32', []) }).run()
    return graph
  }
  const before = residentMiB()
  // Each has intermediate results of more than 80 MiB.
  const graphs = [await run(22_000), await run(21_500), await run(21_000), await run(20_500)]
  expect(residentMiB() - before).toBeGreaterThan(80)
  expect(residentMiB() - before).toBeLessThan(80 * 4)
  for (const graph of graphs) graph.close()
  expect(residentMiB() - before).toBeLessThan(NOISE_MIB)
})

describe.each(bindings)('$binding', ({ open }) => {
  test('opening and closing graphs gives all their memory back', async () => {
    const model = heavy(1)
    const x = createTensor('float32', [1])
    const y = createTensor('float32', [262_144])
    const cycle = async () => {
      const graph = await open(model)
      const binding = graph.bind({ x }, { y })
      await binding.run()
      binding.release()
      graph.close()
    }
    for (let round = 0; round < 50; round++) await cycle()
    const growth = async (): Promise<number> => {
      const before = residentMiB()
      for (let round = 0; round < 400; round++) await cycle()
      return residentMiB() - before
    }
    // On a busy machine an allocator may take more at once than later rounds need; a leak grows in every one.
    const first = await growth()
    expect(first < NOISE_MIB ? first : await growth()).toBeLessThan(NOISE_MIB)
  })

  test('binding and releasing gives all its memory back', async () => {
    const graph = await open(everyDtype)
    const dtypes = graph.inputs.map(({ dtype }) => dtype)
    const inputs = Object.fromEntries(dtypes.map((dtype) => [dtype, createTensor(dtype, [2])]))
    const outputs = Object.fromEntries(dtypes.map((dtype) => [`${dtype}.copy`, createTensor(dtype, [2])]))
    const cycle = (times: number) => {
      for (let round = 0; round < times; round++) graph.bind(inputs, outputs).release()
    }
    cycle(20_000)
    const before = residentMiB()
    cycle(60_000)
    // 840,000 values would be more than 80 MiB.
    expect(residentMiB() - before).toBeLessThan(30)
    graph.close()
  })

  test('a binding or graph that is given back during a run is freed after it', async () => {
    for (let round = 0; round < 5; round++) {
      const graph = await open(heavy(8))
      const y = createTensor('float32', [8 * 262_144])
      const binding = graph.bind({ x: createTensor('float32', [1], [2]) }, { y })
      const running = binding.runElsewhere()
      binding.release()
      graph.close()
      await running
      expect(y.data[0]).toBe(y.data.at(-1))
      await expect(binding.runElsewhere()).rejects.toThrow(/after release/)
    }
  })

  test('bound memory stays, whatever the garbage collector does', async () => {
    const graph = await open(addOne)
    const binds = Array.from({ length: 200 }, (_, index) => {
      // Smaller than what V8 would keep, and move, in its own heap.
      const x = createTensor('float32', [1, 2], Float32Array.of(index, -index))
      const y = createTensor('float32', [1, 2], new Float32Array(2))
      return { binding: graph.bind({ x }, { y }), y }
    })
    let garbage: number[][] = []
    for (let round = 0; round < 20; round++) {
      garbage = Array.from({ length: 2_000 }, () => [round])
      collect()
    }
    expect(garbage).toHaveLength(2_000)
    for (const { binding } of binds) await binding.run()
    expect(binds.map(({ y }) => [...y.data])).toEqual(binds.map((_, index) => [index + 1, 1 - index]))
    graph.close()
  })
})

test('memory that is used on another thread is freed once, after the last use', async () => {
  const freed: string[] = []
  const use = createUse(() => freed.push('freed'))
  const [first, second] = [createDeferred<void>(), createDeferred<void>()]
  const a = use.during(() => first.promise)
  const b = use.during(() => second.promise)
  use.end()
  expect(freed).toEqual([])
  first.resolve()
  await a
  expect(freed).toEqual([])
  second.reject(new Error('failed'))
  await expect(b).rejects.toThrow('failed')
  expect(freed).toEqual(['freed'])
  use.end()
  expect(freed).toEqual(['freed'])
})
