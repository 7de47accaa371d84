/** A thread that opens a model with many weights and ends as `payload.how` says, without closing it. */
import { workerData } from 'node:worker_threads'
import { openGraph } from '../../runtime/open-graph.ts'
import { createTensor } from '../../runtime/tensor.ts'
import { heavy } from './models.ts'

const { how } = (workerData as { payload: { how: 'exit' | 'throw' } }).payload
const graph = await openGraph(heavy(30))
const y = createTensor('float32', [30 * 262_144])
await graph.bind({ x: createTensor('float32', [1]) }, { y }).run()
if (how === 'exit') process.exit(3)
throw new Error('the thread was told to throw')
