/**
 * Memory and time of a training step by options: `npx tsx tests/bench/training/memory.ts`. Each row is a process of its
 * own; memory is the peak of its resident set less what it held before the first step.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createModel } from '../../../models/registry.ts'
import { createCompiledBackend } from '../../../trainer/backends/compile/backend.ts'
import { Random } from '../../../trainer/random.ts'
import { emptyBatch } from '../../../trainer/data/batch.ts'
import { options } from './workload.ts'

const BATCH = 8
const TIME = 512
const STEPS = 6

const resident = (field: string): number =>
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync('/proc/self/status', 'utf8'))![1]) / 1024

async function measure(recompute: number, bits: 8 | 32): Promise<void> {
  const model = createModel('vanilla', { vocab: 256, width: 128, layers: 12, heads: 4, window: 256, hidden: 352 })
  const random = new Random('memory')
  const optimizer = { ...options.optimizer, bits }
  const shape = { batch: BATCH, sequenceLength: TIME }
  const backend = await createCompiledBackend({ ...options, ...shape, model, optimizer, recompute, random }, 1)
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
    loss = (await backend.update([batch], 1e-3, step)).loss
    milliseconds.push(performance.now() - began)
  }
  const peak = resident('VmHWM') - before
  const fastest = Math.min(...milliseconds)
  const kept = [...backend.read()].filter(([name]) => /^(first|second)/.test(name))
  const moments = kept.reduce((sum, [, { data }]) => sum + data.byteLength, 0) / 2 ** 20
  const row = [recompute, bits, peak.toFixed(0), moments.toFixed(1), fastest.toFixed(0), loss.toFixed(6)]
  process.stdout.write(`| ${row.join(' | ')} |\n`)
}

const [recompute, bits] = process.argv.slice(2).map(Number)
if (recompute) await measure(recompute, bits === 8 ? 8 : 32)
else {
  process.stdout.write(`12 layers of width 128, ${BATCH} rows of ${TIME} tokens\n\n`)
  process.stdout.write(
    '| segments | bits of a moment | peak MiB over the start | moments, MiB | fastest step, ms | loss |\n' +
      '| ---: | ---: | ---: | ---: | ---: | ---: |\n',
  )
  for (const row of ['1 32', '1 8', '3 32', '6 32', '12 32'])
    spawnSync(process.execPath, ['--import', 'tsx', import.meta.filename, ...row.split(' ')], { stdio: 'inherit' })
}
