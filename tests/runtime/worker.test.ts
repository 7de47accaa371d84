import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { openGraph } from '../../runtime/graph.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { addOne } from './models.ts'

// Node 20 reads no TypeScript: the worker has to register tsx for itself.
const module = JSON.stringify(new URL('./graph-worker.ts', import.meta.url).href)
const bootstrap = `import('tsx/esm/api').then(({ register }) => { register(); return import(${module}) })`

let mappedAfterFirstWorker = false

async function runInWorker(environment: Record<string, string> = {}): Promise<unknown> {
  const worker = new Worker(bootstrap, { eval: true, env: { ...process.env, ...environment } })
  const exit = once(worker, 'exit')
  const [message] = (await once(worker, 'message')) as unknown[]
  const [code] = (await exit) as number[]
  expect(code).toBe(0)
  return message
}

test('worker threads run graphs at the same time, one after the other, and before the main thread does', async () => {
  expect(await runInWorker()).toEqual({ y: [2, 3], binding: 'c-api' })
  // Before this thread loads the library for itself.
  if (process.platform === 'linux')
    mappedAfterFirstWorker = readFileSync('/proc/self/maps', 'utf8').includes('onnxruntime')
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

test.runIf(process.platform === 'linux')(
  'a worker that ends leaves the library loaded, since its threads may still run',
  () => {
    expect(mappedAfterFirstWorker).toBe(true)
  },
)

test('MNEME_RUNTIME=binding takes the plain binding', async () => {
  expect(await runInWorker({ MNEME_RUNTIME: 'binding' })).toEqual({ y: [2, 3], binding: 'onnxruntime-node' })
})
