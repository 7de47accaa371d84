/**
 * Training speed of the compiled step against TF.js and PyTorch: `npx tsx tests/bench/training/compare.ts [rounds=5] [seconds=10]`
 * `[--device cpu|cuda] [--precision float32|tf32|bfloat16] [--size small|large]`. Contenders take turns, each `seconds` a
 * round; printed are medians over the rounds. MNEME_PYTHON names a Python with torch; a contender that is not installed
 * is named and left out.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { countParameters, flatten } from '../../../models/spec.ts'
import { createTensor } from '../../../runtime/tensor.ts'
import { initialise } from '../../../trainer/backends/initialise.ts'
import { encodeSafetensors } from '../../../trainer/safetensors.ts'
import { type Contender, race, start } from './race.ts'
import { BATCH, batches, choice, config, options, RATE, rest, SEED, TIME, TOKENS } from './workload.ts'

/** First losses of the same weights and batch agree to this; in bfloat16, which keeps 8 bits, to more. */
const TOLERANCE = options.precision === 'float32' ? 1e-3 : 2e-2
/** Multiplications and additions of a parameter in a step: forward, and twice that backward. */
const OPERATIONS = 6

const [rounds = 5, seconds = 10] = rest.map(Number)
const parameters = flatten(options.model.params)
const count = countParameters(options.model.params)
const folder = mkdtempSync(join(tmpdir(), 'mneme-bench-'))

try {
  const contenders = await open()
  const speeds = await race(contenders, rounds, seconds)
  contenders.forEach((contender) => contender.stop())
  report(contenders, speeds)
} finally {
  rmSync(folder, { recursive: true })
}

async function open(): Promise<Contender[]> {
  const ours = fileURLToPath(new URL('contender.ts', import.meta.url))
  const [python, reference] = [process.env['MNEME_PYTHON'] ?? 'python3', new URL('reference.py', import.meta.url)]
  const workload = writeWorkload()
  const opened: Contender[] = []
  const own = (name: string) => ['--import', 'tsx', ours, name, ...choice]
  const everywhere = [
    ['compiled step', process.execPath, own('compiled')],
    ['PyTorch', python, [fileURLToPath(reference), workload]],
  ] as const
  const others = {
    cpu: [
      ['tfjs-node', process.execPath, own('node')],
      ['TF.js WASM', process.execPath, own('wasm')],
    ],
    cuda: [
      ['torch.compile', python, [fileURLToPath(reference), workload, 'compile']],
      ['tfjs-node-gpu', process.execPath, own('gpu')],
    ],
    webgpu: [],
  } as const
  for (const [name, command, args] of [...everywhere, ...others[options.device]]) {
    const contender = await start(name, TOKENS, spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] }))
    if (contender) opened.push(contender)
    else process.stderr.write(`${name}: not installed here, left out\n`)
  }
  return opened
}

/** Everything that a reference needs to compute the same. */
function writeWorkload(): string {
  const weights = initialise(options.model.params, SEED)
  const shape = [batches.length, BATCH, TIME]
  const stack = (of: (batch: (typeof batches)[number]) => Int32Array) =>
    createTensor('int32', shape, Int32Array.from(batches.flatMap((batch) => [...of(batch)])))
  const tensors = Object.fromEntries(
    parameters.map(([path, spec]) => [path, createTensor('float32', spec.shape.map(Number), weights.get(path))]),
  )
  const settings = {
    config: options.model.config,
    optimizer: options.optimizer,
    decayed: parameters.filter(([, spec]) => spec.decay).map(([path]) => path),
    rate: RATE,
    threads: options.threads,
    device: options.device,
    precision: options.precision,
  }
  const metadata = Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, JSON.stringify(value)]))
  const file = join(folder, 'workload.safetensors')
  const all = { ...tensors, ids: stack((batch) => batch.ids), targets: stack((batch) => batch.targets) }
  writeFileSync(file, Buffer.concat(encodeSafetensors(all, metadata)))
  return file
}

function report(contenders: readonly Contender[], speeds: ReadonlyMap<string, number>): void {
  const ours = contenders[0]!
  const print = (line: string): void => void process.stdout.write(`${line}\n`)
  print(`vanilla ${JSON.stringify(config)}: ${count} parameters, ${BATCH} x ${TIME} tokens a step, ${rounds} rounds`)
  print('| contender | tokens/s | GFLOP/s | compiled step is | first loss | |')
  print('|---|---|---|---|---|---|')
  for (const { name, description, first } of contenders) {
    const speed = speeds.get(name)!
    const work = ((speed * count * OPERATIONS) / 1e9).toFixed(0)
    const agrees = Math.abs(first - ours.first) <= TOLERANCE ? '' : ' (another function!)'
    const ratio = (speeds.get(ours.name)! / speed).toFixed(2)
    print(`| ${name} | ${speed.toFixed(0)} | ${work} | ${ratio}x | ${first.toFixed(5)}${agrees} | ${description} |`)
  }
}
