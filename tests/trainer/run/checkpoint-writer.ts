/** A process that writes checkpoints for ever and prints each step once it is saved: to be killed. */
import { createTensor } from '../../../runtime/tensor.ts'
import { saveCheckpoint } from '../../../trainer/run/checkpoint.ts'

const run = process.argv[2] as string
for (let step = Number(process.argv[3]); ; step++) {
  const filled = (size: number) => ({ w: createTensor('float32', [size], new Float32Array(size).fill(step)) })
  await saveCheckpoint(
    run,
    { step, state: { step }, model: filled(100_000), optimizer: filled(200_000), carry: filled(10) },
    { best: step % 3 === 0 },
  )
  process.stdout.write(`${step}\n`)
}
