/**
 * Speed over HTTP beside llama.cpp's server: our forms of a model and its own, all without drafts, in rounds that take turns;
 * then a reply that repeats its prompt, with drafts here.
 *   bash tests/bench/peers/setup.sh
 *   .cache/peers/src/vendor/llama.cpp/build/bin/llama-quantize --allow-requantize M.Q4_1.gguf M.Q4_0.gguf Q4_0
 *   npx tsx tests/bench/http-speed.ts M.Q4_1.gguf M.Q4_0.gguf [--rounds 5]
 * `keep` has the weights of the first file and is beside it; the int4 forms are made of the first file and are beside the second.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import { addressOf, type Contender } from '../../clients/bench/contender.ts'
import { llamaContender, llamaVersion } from '../../clients/bench/llama-server.ts'
import { describeMachine } from '../../clients/bench/machine.ts'
import { mnemeContender } from '../../clients/bench/mneme-server.ts'
import { measureSpeed, mostSpeedTokens, type Metric, type Running } from '../../clients/bench/speed.ts'
import { quantile } from '../../clients/bench/statistics.ts'
import { streamReply } from '../../clients/bench/stream.ts'
import { importModel } from '../../exporter/import/import.ts'
import { benchModel } from '../../server/bench-model.ts'
import { TEXTS } from './draft-texts.ts'
import { llamaServer } from './peers/llama-server.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
})
const [exact, plain] = positionals
if (exact === undefined || plain === undefined) throw new Error('usage: http-speed.ts M.Q4_1.gguf M.Q4_0.gguf')
const rounds = Number(values.rounds)
const options = { prompt: 512, gen: 64, depths: [64, 1024], concurrency: 16, rounds }
const tokens = mostSpeedTokens(options)
const THREADS = ['--threads', '2']
const folder = mkdtempSync(join(tmpdir(), 'mneme-http-speed-'))

type Form = Pick<Parameters<typeof importModel>[0], 'quantization' | 'kv'>
const FORMS: Readonly<Record<string, Form & { readonly beside: string }>> = {
  keep: { quantization: 'keep', beside: exact },
  int4: { quantization: 'int4', beside: plain },
  'int4, int8 keys and values': { quantization: 'int4', kv: 'int8', beside: plain },
}

async function mnemeOf(form: string, name: string, args: readonly string[]): Promise<Contender> {
  const { beside: _, ...how } = FORMS[form]!
  const out = join(folder, name.replaceAll(/\W+/g, '-'))
  await importModel({ source: exact!, out, ...how })
  const model = await benchModel(out, join(out, 'twin'))
  const data = join(out, 'data')
  return mnemeContender({
    name,
    bin: 'clients/cli/bin.js',
    model,
    data,
    tokens,
    concurrency: 16,
    args: [...THREADS, ...args],
  })
}

const llamaOf = (gguf: string): Contender =>
  llamaContender({
    name: basename(gguf),
    program: llamaServer,
    gguf,
    data: folder,
    tokens,
    concurrency: 16,
    args: THREADS,
  })

async function start(contenders: readonly Contender[]): Promise<Running[]> {
  const running: Running[] = []
  for (const contender of contenders)
    running.push({ contender, address: addressOf(contender, await contender.server!.start('speed')) })
  return running
}

function printSpeed(metrics: readonly Metric[], running: readonly Running[]): void {
  const names = running.map(({ contender }) => contender.name)
  console.log(`\n| medians of ${rounds} | ${names.join(' | ')} |\n| --- |${names.map(() => ' ---: |').join('')}`)
  for (const { name, unit, samples } of metrics) {
    const medians = samples.map((of) => quantile(of, 0.5))
    const cells = medians.map((value, i) => {
      const beside = FORMS[names[i]!]?.beside
      if (beside === undefined) return value.toPrecision(3)
      const other = medians[names.indexOf(basename(beside))]!
      return `${value.toPrecision(3)} (${(unit === 'ms' ? other / value : value / other).toFixed(2)}x)`
    })
    console.log(`| ${name}, ${unit} | ${cells.join(' | ')} |`)
  }
}

/** Tokens a second after the first, of a reply that writes its prompt's code again with one change. */
async function repeating({ contender, address }: Running): Promise<number> {
  const prompt = TEXTS['code again with one change'].prompt
  const body = {
    model: contender.model,
    prompt,
    max_tokens: 192,
    temperature: 0,
    stream_options: { include_usage: true },
  }
  const { tokens: counts, duration, ttft } = await streamReply(address, '/v1/completions', body)
  return (1000 * (counts!.output - 1)) / (duration - ttft)
}

async function printRepeating(running: readonly Running[]): Promise<void> {
  const rates = running.map((): number[] => [])
  for (const one of running) await repeating(one)
  for (let round = 0; round < rounds; round++)
    for (const [i, one] of running.entries()) rates[i]!.push(await repeating(one))
  const medians = rates.map((of) => quantile(of, 0.5))
  const theirs = medians[running.findIndex(({ contender }) => contender.name === basename(plain!))]!
  console.log(`\n| a reply that repeats its prompt | tokens/s | beside ${basename(plain!)} |\n| --- | ---: | ---: |`)
  for (const [i, { contender }] of running.entries())
    console.log(`| ${contender.name} | ${medians[i]!.toFixed(1)} | ${(medians[i]! / theirs).toFixed(2)}x |`)
}

console.log(`${describeMachine()}; ${llamaVersion(llamaServer)}; ${rounds} rounds`)
const NO_DRAFTS = ['--draft-max', '0']
const theirs = [llamaOf(exact), llamaOf(plain)]
const plainOnes: Contender[] = []
for (const form of Object.keys(FORMS)) plainOnes.push(await mnemeOf(form, form, NO_DRAFTS))
const drafting: Contender[] = []
for (const form of ['keep', 'int4']) drafting.push(await mnemeOf(form, `${form}, drafts`, []))
try {
  const opponents = await start(theirs)
  const running = [...(await start(plainOnes)), ...opponents]
  printSpeed(await measureSpeed(running, options), running)
  await printRepeating([...running, ...(await start(drafting))])
} finally {
  for (const { server } of [...theirs, ...plainOnes, ...drafting]) await server?.stop('SIGTERM')
  rmSync(folder, { recursive: true })
}
