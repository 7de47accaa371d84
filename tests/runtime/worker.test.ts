import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { openGraph } from '../../runtime/graph.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { addOne } from './models.ts'

// Node 20 reads no TypeScript: a worker has to register tsx for itself.
function startWorker(file: string, use: string, environment: Record<string, string> = {}): Worker {
  const module = JSON.stringify(new URL(file, import.meta.url).href)
  const start = `import('tsx/esm/api').then(({ register }) => { register(); return import(${module}) })${use}`
  return new Worker(start, { eval: true, env: { ...process.env, ...environment } })
}

async function runInWorker(environment: Record<string, string> = {}): Promise<unknown> {
  const worker = startWorker('./graph-worker.ts', '', environment)
  const exit = once(worker, 'exit')
  const [message] = (await once(worker, 'message')) as unknown[]
  expect(await exit).toEqual([0])
  return message
}

// First of all, since this thread must not have loaded the library for itself.
test.runIf(process.platform === 'linux')('a worker that ends leaves the library loaded', async () => {
  expect(isLoaded()).toBe(false)
  await once(startWorker('../../runtime/library.ts', '.then((library) => library.loadLibrary())'), 'exit')
  expect(isLoaded()).toBe(true)
})

test('worker threads run graphs one after the other, at the same time, and beside the main thread', async () => {
  expect(await runInWorker()).toEqual({ y: [2, 3], binding: 'c-api' })
  expect(await Promise.all([runInWorker(), runInWorker()])).toEqual(
    Array.from({ length: 2 }, () => ({ y: [2, 3], binding: 'c-api' })),
  )
  const graph = await openGraph(addOne)
  const y = createTensor('float32', [1, 2])
  await graph.bind({ x: createTensor('float32', [1, 2], [1, 2]) }, { y }).run()
  expect(await runInWorker()).toEqual({ y: [2, 3], binding: 'c-api' })
  await graph.bind({ x: y }, { y }).run()
  expect([...y.data]).toEqual([3, 4])
  graph.close()
})

test('MNEME_RUNTIME=binding takes the plain binding', async () => {
  expect(await runInWorker({ MNEME_RUNTIME: 'binding' })).toEqual({ y: [2, 3], binding: 'onnxruntime-node' })
})

function isLoaded(): boolean {
  return readFileSync('/proc/self/maps', 'utf8').includes('libonnxruntime')
}
