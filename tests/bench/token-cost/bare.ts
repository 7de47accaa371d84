/** The graph alone: `bare.ts BUNDLE ROWS STEPS` prints the median milliseconds of a decode step of ROWS sequences. */
import { openModel } from '../../../server/engine/open-model.ts'

const [bundle, rows, steps] = [process.argv[2] as string, Number(process.argv[3]), Number(process.argv[4])]
const { runner, codec, runtime } = await openModel({ bundle, threads: null, rows, device: 'cpu', residentBytes: 0 })
const open = Array.from({ length: rows }, () => runner.open('', null, 0))
const times: number[] = []
for (let step = 0; step < steps; step++) {
  const began = performance.now()
  await runner.step(open.map((row, i) => ({ row, ids: [(step + i) % codec.vocabSize], use: 'decode', logits: 'last' })))
  times.push(performance.now() - began)
}
const median = times.toSorted((a, b) => a - b)[steps >> 1] as number
process.stdout.write(JSON.stringify({ stepMs: median, runtime }))
process.exit(0)
