import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { openGraph } from '../../runtime/open-graph.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { addOne } from './models.ts'

/** Code that runs before and after the module is loaded, and more environment. */
interface WorkerOptions {
  before?: string
  after?: string
  env?: Record<string, string>
}

const native = { y: [2, 3], version: '1.30.0', binding: 'c-api' }

// Node 20 reads no TypeScript: a worker has to register tsx for itself.
function startWorker(file: string, { before = '', after = '', env = {} }: WorkerOptions): Worker {
  const module = JSON.stringify(new URL(file, import.meta.url).href)
  const start = `${before}; import('tsx/esm/api').then(({ register }) => { register(); return import(${module}) })${after}`
  return new Worker(start, { eval: true, env: { ...process.env, ...env } })
}

async function runInWorker(options: WorkerOptions = {}): Promise<unknown> {
  const worker = startWorker('./graph-worker.ts', options)
  const exit = once(worker, 'exit')
  const [message] = (await once(worker, 'message')) as unknown[]
  expect(await exit).toEqual([0])
  return message
}

// First of all, since this thread must not have loaded the library for itself.
test.runIf(process.platform === 'linux')('a worker that ends leaves the library loaded', async () => {
  expect(isLoaded()).toBe(false)
  await once(startWorker('../../runtime/library.ts', { after: '.then((library) => library.loadLibrary())' }), 'exit')
  expect(isLoaded()).toBe(true)
})

test('worker threads run graphs one after the other, at the same time, and beside the main thread', async () => {
  expect(await runInWorker()).toEqual(native)
  expect(await Promise.all([runInWorker(), runInWorker()])).toEqual(Array.from({ length: 2 }, () => native))
  const graph = await openGraph(addOne)
  const y = createTensor('float32', [1, 2])
  await graph.bind({ x: createTensor('float32', [1, 2], [1, 2]) }, { y }).run()
  expect(await runInWorker()).toEqual(native)
  await graph.bind({ x: y }, { y }).run()
  expect([...y.data]).toEqual([3, 4])
  graph.close()
})

test('MNEME_RUNTIME=binding takes the plain binding, and says so', async () => {
  expect(await runInWorker({ env: { MNEME_RUNTIME: 'binding' } })).toEqual({
    y: [2, 3],
    version: '1.30.0',
    binding: 'onnxruntime-node',
    reason: 'MNEME_RUNTIME=binding',
  })
})

test('where koffi cannot be loaded the plain binding runs, and says why', async () => {
  const before = `const module = require('node:module'), load = module._load
    module._load = (name, ...rest) => { if (name === 'koffi') throw new Error('no koffi here'); return load(name, ...rest) }`
  expect(await runInWorker({ before })).toEqual({
    y: [2, 3],
    version: '1.30.0',
    binding: 'onnxruntime-node',
    reason: 'no koffi here',
  })
})

function isLoaded(): boolean {
  return readFileSync('/proc/self/maps', 'utf8').includes('libonnxruntime')
}
