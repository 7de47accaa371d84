/** One of our backends in a process of its own: for each line of stdin, a number of seconds, it trains that long. */
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { createTensorFlowBackend } from '../../../trainer/backends/tensorflow/backend.ts'
import type { Build } from '../../../trainer/backends/tensorflow/load.ts'
import { answer } from './answer.ts'
import { batches, options, RATE, rest, SEED } from './workload.ts'

const name = rest[0]
const backend =
  name === 'compiled'
    ? await createCompiledBackend(options, SEED)
    : await createTensorFlowBackend({ ...options, device: 'cpu', deterministic: true }, SEED, name as Build)

let update = 0
const step = async (): Promise<number> =>
  (await backend.update([batches[update % batches.length]!], RATE, ++update)).loss

await answer(backend.description, step)
