/** One of our backends in a process of its own: for each line of stdin, a number of seconds, it trains that long. */
import { createInterface } from 'node:readline'
import { createCompiledBackend } from '../../../trainer/compile/backend.ts'
import { createTensorFlowBackend } from '../../../trainer/tensorflow/backend.ts'
import { batches, options, RATE, SEED } from './workload.ts'

const name = process.argv[2]
const backend =
  name === 'compiled'
    ? await createCompiledBackend(options, SEED)
    : await createTensorFlowBackend(options, SEED, name === 'node' ? 'node' : 'wasm')

let update = 0
const step = async (): Promise<number> =>
  (await backend.step(batches[update % batches.length]!, RATE, ++update, true)).loss

// The first step compiles, allocates, and has the loss by which contenders are compared.
const first = await step()
process.stdout.write(`${JSON.stringify({ first, description: backend.description })}\n`)
for await (const line of createInterface({ input: process.stdin })) {
  const began = performance.now()
  let [steps, loss] = [0, 0]
  do {
    loss = await step()
    steps++
  } while (performance.now() - began < Number(line) * 1000)
  process.stdout.write(`${JSON.stringify({ steps, seconds: (performance.now() - began) / 1000, loss })}\n`)
}
