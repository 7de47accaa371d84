/**
 * Training speed of every architecture's small recipe against the PyTorch module that `mneme scaffold torch` writes of it:
 * `MNEME_PYTHON=python-with-torch npx tsx tests/bench/training/systems.ts [rounds=3] [seconds=6] [recipe...] [--device cpu|cuda]`
 */
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { countParameters, flatten } from '../../../models/spec.ts'
import type { Device } from '../../../runtime/device.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { encodeSafetensors } from '../../../trainer/safetensors.ts'
import { torchModule } from '../../../trainer/scaffold/module.ts'
import { race, start } from './race.ts'
import { systemOf, systems } from './system.ts'
import { RATE, SEED } from './workload.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { device: { type: 'string', default: 'cpu' } },
})
const device = values.device as Device
const [rounds = '3', seconds = '6', ...chosen] = positionals
const python = process.env['MNEME_PYTHON'] ?? 'python3'
const here = import.meta.dirname

process.stdout.write('| recipe | parameters | compiled step, tokens/s | PyTorch, tokens/s | ratio | first losses |\n')
process.stdout.write('|---|---:|---:|---:|---:|---|\n')
for (const name of chosen.length > 0 ? chosen : systems) await compare(name)

async function compare(name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-bench-'))
  try {
    write(name, folder)
    const { tokens, options } = systemOf(name)
    const stdio = ['pipe', 'pipe', 'inherit'] as ['pipe', 'pipe', 'inherit']
    const ours = await start(
      'ours',
      tokens,
      spawn(process.execPath, ['--import', 'tsx', join(here, 'system-contender.ts'), name, device], { stdio }),
    )
    const theirs = await start('PyTorch', tokens, spawn(python, [join(here, 'module.py'), folder], { stdio }))
    if (!ours || !theirs) throw new Error(`${name}: ${ours ? python : 'the compiled step'} did not start`)
    const speeds = await race([ours, theirs], Number(rounds), Number(seconds))
    for (const contender of [ours, theirs]) contender.stop()
    const [mine, other] = [speeds.get('ours')!, speeds.get('PyTorch')!]
    const losses = `${ours.first.toFixed(4)}, ${theirs.first.toFixed(4)}`
    const size = countParameters(options.model.params)
    const numbers = [size, mine.toFixed(0), other.toFixed(0), `${(mine / other).toFixed(2)}x`]
    process.stdout.write(`| ${name} | ${numbers.join(' | ')} | ${losses} |\n`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The module, its weights and its batches. */
function write(name: string, folder: string): void {
  const { options, batches } = systemOf(name)
  const { model, batch, sequenceLength: time, optimizer, threads } = options
  writeFileSync(join(folder, 'model.py'), torchModule(model, batch, time))
  copyFileSync(join(here, '../../../trainer/scaffold/templates/train.py'), join(folder, 'train.py'))
  writeFileSync(join(folder, 'settings.json'), JSON.stringify({ optimizer, threads, rate: RATE, device }))
  const weights = initialise(model.params, SEED)
  const params = flatten(model.params).map(([path, spec]) => [
    path,
    createTensor('float32', spec.shape.map(Number), weights.get(path)),
  ])
  const stack = (key: 'ids' | 'targets') =>
    createTensor(
      'int32',
      [batches.length, batch, time],
      batches.flatMap((one) => [...one[key]]),
    )
  const all = { ...Object.fromEntries(params), ids: stack('ids'), targets: stack('targets') }
  writeFileSync(join(folder, 'workload.safetensors'), Buffer.concat(encodeSafetensors(all)))
}
