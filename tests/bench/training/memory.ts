/**
 * Memory and time of a training step by options: `npx tsx tests/bench/training/memory.ts`. Each row is a process of its
 * own; memory is the peak of its resident set less what it held before the first step.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createModel } from '../../../models/registry.ts'
import { createCompiledBackend } from '../../../trainer/compile/backend.ts'
import { Random } from '../../../trainer/random.ts'
import { emptyBatch } from '../../../trainer/data/batch.ts'
import { options } from './workload.ts'

const BATCH = 8
const TIME = 512
const STEPS = 4

const resident = (field: string): number =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024

async function measure(recompute: number): Promise<void> {
  const model = createModel('vanilla', { vocab: 256, width: 128, layers: 12, heads: 4, window: 256, hidden: 352 })
  const random = new Random('memory')
  const backend = await createCompiledBackend({ ...options, model, batch: BATCH, time: TIME, recompute, random }, 1)
  const batch = emptyBatch(BATCH, TIME)
  for (let i = 0; i < BATCH * TIME; i++) {
    batch.ids[i] = random.int(256)
    batch.targets[i] = random.int(256)
    batch.weights[i] = 1
  }
  const before = resident('VmRSS')
  const milliseconds: number[] = []
  let loss = 0
  for (let step = 1; step <= STEPS; step++) {
    const began = performance.now()
    loss = (await backend.step(batch, 1e-3, step, true)).loss
    milliseconds.push(performance.now() - began)
  }
  const peak = resident('VmHWM') - before
  const fastest = Math.min(...milliseconds)
  process.stdout.write(`| ${recompute} | ${peak.toFixed(0)} | ${fastest.toFixed(0)} | ${loss.toFixed(6)} |\n`)
}

const [recompute] = process.argv.slice(2).map(Number)
if (recompute) await measure(recompute)
else {
  process.stdout.write(`12 layers of width 128, ${BATCH} rows of ${TIME} tokens\n\n`)
  process.stdout.write(
    '| pieces | peak MiB over the start | fastest step, ms | loss |\n| ---: | ---: | ---: | ---: |\n',
  )
  for (const pieces of [1, 3, 6, 12])
    spawnSync(process.execPath, ['--import', 'tsx', import.meta.filename, String(pieces)], { stdio: 'inherit' })
}
