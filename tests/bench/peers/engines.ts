/**
 * Our engine beside llama.cpp in rounds that take turns: decode, prefill, 16 streams; and how far the distributions of a
 * text are apart. Medians; all with as many threads.
 *   bash tests/bench/peers/setup.sh
 *   npx tsx tests/bench/peers/engines.ts PAIR... [--rounds 3] [--threads 2] [--speed-only]
 * A pair is SOURCE:FORM=FILE.gguf: the source, imported with --quantize FORM, against llama.cpp on the file. FILE.gguf alone
 * is FILE.gguf:keep=FILE.gguf, both on the same weights. The published table:
 *   .cache/peers/src/vendor/llama.cpp/build/bin/llama-quantize --allow-requantize M.Q4_1.gguf M.Q4_0.gguf Q4_0
 *   npx tsx tests/bench/peers/engines.ts M.Q4_1.gguf M.Q4_1.gguf:int4=M.Q4_0.gguf M.Q4_1.gguf:int8=M.Q4_0.gguf
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { importModel } from '../../../exporter/import/import.ts'
import { QUANTIZATIONS, type Quantization } from '../../../exporter/import/weight-formats.ts'
import { Engine } from './engine-process.ts'
import { printDistances } from './distances.ts'
import { CASES, ratesOf } from './rounds.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: '2' },
    'speed-only': { type: 'boolean', default: false },
  },
})
if (positionals.length === 0)
  throw new Error('usage: engines.ts SOURCE:FORM=FILE.gguf... [--rounds 3] [--threads 2] [--speed-only]')

interface Pair {
  readonly source: string
  readonly form: Quantization
  readonly file: string
}

function pairOf(text: string): Pair {
  const [left = '', file = left] = text.split('=')
  const at = left.lastIndexOf(':')
  const [source, form] = at < 0 ? [left, 'keep'] : [left.slice(0, at), left.slice(at + 1)]
  const known = QUANTIZATIONS.find((one) => one === form)
  if (!known) throw new Error(`${text}: expected a form of ${QUANTIZATIONS.join(', ')}, got ${form}`)
  return { source, form: known, file }
}

const pairs = positionals.map(pairOf)
const folder = await mkdtemp(join(tmpdir(), 'mneme-bench-'))
const theirs = new Map<string, Engine>()
const ours: Engine[] = []
const opponents = new Map<Engine, Engine>()
for (const [i, { source, form, file }] of pairs.entries()) {
  const began = performance.now()
  const out = join(folder, String(i))
  await importModel({ source, out, quantization: form })
  const peak = (process.resourceUsage().maxRSS / 1024).toFixed(0)
  console.log(`import ${form}: ${((performance.now() - began) / 1000).toFixed(1)} s, peak ${peak} MiB`)
  const llama = theirs.get(file) ?? Engine.llama(basename(file), file, values.threads)
  theirs.set(file, llama)
  const own = Engine.mneme(`mneme ${form}`, out, values.threads)
  ours.push(own)
  opponents.set(own, llama)
}
const engines = [...theirs.values(), ...ours]
const rates = await ratesOf(engines, Number(values.rounds))

console.log(
  `\n| ${values.threads} threads, medians of ${values.rounds} rounds | ${engines.map(({ name }) => name).join(' | ')} |`,
)
console.log(`|---|${engines.map(() => '---').join('|')}|`)
for (const { name } of CASES) {
  const cells = engines.map((engine) => {
    const rate = rates(name, engine)
    const other = opponents.get(engine)
    return other ? `${rate.toFixed(1)} (${(rate / rates(name, other)).toFixed(2)}x)` : rate.toFixed(1)
  })
  console.log(`| ${name} | ${cells.join(' | ')} |`)
}
console.log(`\n${ours.map((own) => `${own.name} is beside ${opponents.get(own)!.name}`).join(', ')}`)
const [reference] = theirs.values()
if (!values['speed-only'])
  await printDistances(
    reference!,
    engines.filter((engine) => engine !== reference),
    ours,
  )
for (const engine of engines) engine.close()
await rm(folder, { recursive: true })
