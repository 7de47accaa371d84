/**
 * Our engine beside llama.cpp on the same file, in rounds that take turns: decode, prefill, 16 streams; and how far the
 * distributions of a text are apart. Medians; both with as many threads.
 *   bash tests/bench/peers/setup.sh
 *   npx tsx tests/bench/peers/engines.ts MODEL.gguf [ROUNDS] [THREADS]
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { importModel } from '../../../exporter/import/import.ts'

const [file, rounds = '3', threads = '2'] = process.argv.slice(2)
if (file === undefined) throw new Error('usage: engines.ts MODEL.gguf [ROUNDS] [THREADS]')

class Engine {
  readonly name: string
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>

  constructor(name: string, args: readonly string[], model: string) {
    this.name = name
    const env = { ...process.env, MODEL: model, THREADS: threads, UV_THREADPOOL_SIZE: '1' }
    this.#process = spawn(process.execPath, args, { env })
    this.#process.stderr.on('data', (text: Buffer) => process.stderr.write(text))
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  async ask<T>(round: object): Promise<T> {
    this.#process.stdin.write(`${JSON.stringify(round)}\n`)
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`${this.name}: ended`)
    return (JSON.parse(value) as { result: T }).result
  }

  close(): void {
    this.#process.stdin.end()
  }
}

const here = import.meta.dirname
const folder = await mkdtemp(join(tmpdir(), 'mneme-bench-'))
const forms = ['keep', 'int4', 'int8'] as const
for (const form of forms) {
  const began = performance.now()
  await importModel({ source: file, out: join(folder, form), quantization: form })
  console.log(
    `import ${form}: ${((performance.now() - began) / 1000).toFixed(1)} s, peak ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`,
  )
}
const llama = new Engine('llama.cpp', [join(here, 'llama-worker.mjs')], file)
const tsx = ['--import', 'tsx', join(here, 'mneme-worker.ts')]
const ours = forms.map((form) => new Engine(`mneme ${form}`, tsx, join(folder, form)))
const engines = [llama, ...ours]
const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[xs.length >> 1]!

const cases = [
  {
    name: 'decode, context 64, tokens/s',
    round: { kind: 'decode', streams: 1, context: 64, tokens: 64 },
    rate: (ms: number) => 1000 / ms,
  },
  {
    name: 'decode, context 1,024, tokens/s',
    round: { kind: 'decode', streams: 1, context: 1024, tokens: 48 },
    rate: (ms: number) => 1000 / ms,
  },
  {
    name: 'prefill of 512, tokens/s',
    round: { kind: 'prefill', tokens: 512, round: 0 },
    rate: (ms: number) => 512_000 / ms,
  },
  {
    name: '16 streams, tokens/s together',
    round: { kind: 'decode', streams: 16, context: 64, tokens: 24 },
    rate: (ms: number) => 16_000 / ms,
  },
]
const rates = new Map<string, number[]>()
for (let round = 0; round < Number(rounds); round++)
  for (const { name, round: asked, rate } of cases)
    for (const engine of engines) {
      const key = `${name}|${engine.name}`
      rates.set(key, [...(rates.get(key) ?? []), rate(await engine.ask<number>(asked))])
    }
console.log(`\n| ${threads} threads, medians of ${rounds} rounds | ${engines.map(({ name }) => name).join(' | ')} |`)
console.log(`|---|${engines.map(() => '---').join('|')}|`)
for (const { name } of cases) {
  const all = engines.map((engine) => median(rates.get(`${name}|${engine.name}`)!))
  console.log(
    `| ${name} | ${all.map((rate, i) => `${rate.toFixed(0)}${i > 0 ? ` (${(rate / all[0]!).toFixed(2)}x)` : ''}`).join(' | ')} |`,
  )
}

const book = await readFile(process.env['TEXT'] ?? join(here, '../../../../shared/data/wizard-of-oz.txt'), 'utf8')
const expected = await llama.ask<{ tokens: number[]; rows: string[] }>({
  kind: 'distributions',
  text: book.slice(20_000, 21_100),
})
const numbers = (row: string): Float32Array => new Float32Array(new Uint8Array(Buffer.from(row, 'base64')).buffer)
for (const engine of ours) {
  const got = await engine.ask<{ rows: string[] }>({ kind: 'distributions', tokens: expected.tokens })
  let sum = 0
  for (const [i, row] of expected.rows.entries()) {
    const [p, q] = [numbers(row), numbers(got.rows[i]!)]
    sum += p.reduce((kl, x, id) => (x > 0 ? kl + x * Math.log(x / Math.max(q[id]!, 1e-30)) : kl), 0)
  }
  console.log(
    `KL of ${engine.name} to llama.cpp on ${expected.tokens.length} tokens: ${(sum / expected.rows.length).toFixed(5)}`,
  )
}
const prompts = Array.from({ length: 20 }, (_, i) => book.slice(3000 * (i + 1), 3000 * (i + 1) + 120))
for (const engine of ours) {
  let same = 0
  for (const text of prompts) {
    const { prompt, made } = await llama.ask<{ prompt: number[]; made: number[] }>({ kind: 'greedy', text, tokens: 24 })
    const other = await engine.ask<{ made: number[] }>({ kind: 'greedy', prompt, tokens: 24 })
    if (made.join() === other.made.join()) same++
  }
  console.log(`${engine.name}: ${same} of 20 prompts continued with the same 24 greedy tokens as llama.cpp`)
}
for (const engine of engines) engine.close()
await rm(folder, { recursive: true })
