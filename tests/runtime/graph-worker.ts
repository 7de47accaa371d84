/** A worker thread that runs a graph and says what came out, which API did it, and then ends. */
import { parentPort } from 'node:worker_threads'
import { openGraph, runtimeInfo } from '../../runtime/open-graph.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { addOne } from './models.ts'

const graph = await openGraph(addOne, { threads: 2 })
const y = createTensor('float32', [1, 2])
const binding = graph.bind({ x: createTensor('float32', [1, 2], [1, 2]) }, { y })
await binding.run()
parentPort?.postMessage({ y: [...y.data], ...runtimeInfo() }, [])
