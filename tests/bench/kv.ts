/**
 * Keys and values in float32, float16 and int8 of one model: bytes, speed in rounds that take turns, and what they cost. The
 * speed is that of the runner of a server, with a conversation of its own for each form.
 *   npx tsx tests/bench/kv.ts SOURCE [--quantize keep] [--rounds 5] [--threads 2] [--report book.txt]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { importModel } from '../../exporter/import/import.ts'
import { reportQuantization } from '../../exporter/import/report.ts'
import { QUANTIZATIONS } from '../../exporter/import/weight-formats.ts'
import { KV_DTYPES } from '../../exporter/kv-cache.ts'
import { decoderOf, loadBundle } from '../../runtime/bundle.ts'
import { stateBytes } from '../../runtime/manifest.ts'
import { openGraph } from '../../runtime/open-graph.ts'
import { PAGE_POSITIONS } from '../../server/checkpoint.ts'
import { createOrtRunner } from '../../server/engine/ort-runner.ts'
import type { Row, Runner } from '../../server/engine/runner.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quantize: { type: 'string', default: 'keep' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    report: { type: 'string' },
  },
})
const [source] = positionals
const quantization = QUANTIZATIONS.find((form) => form === values.quantize)
if (source === undefined || quantization === undefined)
  throw new Error(`usage: kv.ts SOURCE [--quantize ${QUANTIZATIONS.join('|')}] [--rounds 5] [--report book.txt]`)

const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[xs.length >> 1]!
const idsOf = (length: number): number[] => Array.from({ length }, (_, i) => (i * 7919 + 11) % 997)

/** Feeds ids as a server does: prompts in calls of `prefillChunk`. */
async function feed(runner: Runner, row: Row, ids: readonly number[]): Promise<void> {
  for (let at = 0; at < ids.length; at += runner.prefillChunk) {
    const piece = ids.slice(at, at + runner.prefillChunk)
    const [result] = await runner.step([{ row, ids: piece, use: 'prefill', logits: 'last' }])
    if (!result || 'error' in result) throw result?.error ?? new Error('no result')
  }
}

/** Milliseconds of a token behind `context` tokens. */
async function decode(runner: Runner, context: number): Promise<number> {
  const row = runner.open('', null, 0)
  await feed(runner, row, idsOf(context))
  const times: number[] = []
  for (let i = 0; i < 32; i++) {
    const began = performance.now()
    await runner.step([{ row, ids: [i], use: 'decode', logits: 'last' }])
    times.push(performance.now() - began)
  }
  runner.release(row)
  return median(times)
}

/** Milliseconds of a prompt of `length` tokens. */
async function prefill(runner: Runner, length: number): Promise<number> {
  const row = runner.open('', null, 0)
  const began = performance.now()
  await feed(runner, row, idsOf(length))
  const ms = performance.now() - began
  runner.release(row)
  return ms
}

const CASES: [name: string, run: (runner: Runner) => Promise<number>][] = [
  ['decode at 64', (runner) => decode(runner, 64)],
  ['decode at 1,024', (runner) => decode(runner, 1024)],
  ['prefill of 512', (runner) => prefill(runner, 512)],
]

const folder = await mkdtemp(join(tmpdir(), 'mneme-bench-'))
const forms = []
for (const kv of KV_DTYPES) {
  const options = { source, out: join(folder, kv), quantization, kv }
  const { manifest, kvCost } = await importModel(options)
  const bundle = await loadBundle(options.out)
  const graph = await openGraph(bundle.path(decoderOf(manifest).file), { threads: Number(values.threads) })
  const growing = manifest.state.filter(({ kind }) => kind === 'append')
  const position = growing.reduce((sum, entry) => sum + stateBytes(entry), 0)
  forms.push({
    kv,
    options,
    kvCost,
    position,
    runner: createOrtRunner(bundle, graph, 1),
    times: CASES.map((): number[] => []),
  })
}
for (let round = 0; round < Number(values.rounds); round++)
  for (const [at, [, run]] of CASES.entries()) for (const { runner, times } of forms) times[at]!.push(await run(runner))

const line = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`
line([`${values.threads} threads, medians of ${values.rounds} rounds`, ...forms.map(({ kv }) => kv)])
line(['---', ...forms.map(() => '---')])
line([`page of ${PAGE_POSITIONS} tokens`, ...forms.map(({ position }) => megabytes(PAGE_POSITIONS * position))])
line(['1,024 tokens', ...forms.map(({ position }) => megabytes(1024 * position))])
for (const [at, [name]] of CASES.entries()) {
  const [first] = forms.map(({ times }) => median(times[at]!))
  line([
    name,
    ...forms.map(({ times }) => `${median(times[at]!).toFixed(1)} ms (${(median(times[at]!) / first!).toFixed(2)}x)`),
  ])
}
line(['divergence, nats a token', ...forms.map(({ kvCost }) => kvCost?.divergence.toExponential(1) ?? '0')])
const perplexity = forms.map(({ kvCost }) => kvCost?.perplexity)
line(['perplexity', ...perplexity.map((found) => (found?.compared ?? perplexity.at(-1)!.reference).toFixed(2))])
for (const { runner } of forms) runner.close()
if (values.report !== undefined)
  for (const { kv, options } of forms.slice(1)) {
    const { kv: cost } = await reportQuantization(options, values.report)
    console.log(
      `${kv} on ${cost!.tokens} tokens of ${values.report}: divergence ${cost!.divergence.toExponential(2)}, ` +
        `perplexity ${cost!.perplexity.reference.toFixed(3)}, ${cost!.perplexity.compared.toFixed(3)}`,
    )
  }
await rm(folder, { recursive: true })
