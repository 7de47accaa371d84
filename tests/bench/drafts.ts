/**
 * What drafts are worth: decode speed over HTTP with and without, on text that repeats itself and on text that does not.
 *   npx tsx tests/bench/drafts.ts [rounds=5] [MODEL=.cache/models/smollm2-135m-instruct.Q4_1.gguf] [THREADS=2]
 * MODEL is a bundle or a published model. Prints medians of interleaved rounds, and how many tokens drafts had right.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listening, type ServerProcess } from '../support/process.ts'
import { TEXTS } from './draft-texts.ts'

const [rounds = '5', model = '.cache/models/smollm2-135m-instruct.Q4_1.gguf', threads = '2'] = process.argv.slice(2)

interface Rate {
  readonly tokensPerSecond: number
  readonly tokens: number
}

/** Streams a completion; the rate is that of the tokens after the first. */
async function measure(server: ServerProcess, text: keyof typeof TEXTS, seed: number, most: number): Promise<Rate> {
  const body = { model: name, max_tokens: 192, seed, stream: true, stream_options: { include_usage: true } }
  const response = await server.post('/v1/completions', { ...body, ...TEXTS[text], 'speculative.n_max': most })
  if (!response.ok) throw new Error(await response.text())
  let [first, last, seen, tokens] = [0, 0, '', 0]
  for await (const chunk of response.body!) {
    seen += Buffer.from(chunk as Uint8Array).toString()
    const events = seen.split('\n\n')
    seen = events.pop() ?? ''
    for (const event of events) {
      const data = /^data: (\{.*)$/m.exec(event)?.[1]
      if (data === undefined) continue
      const { choices, usage } = JSON.parse(data) as {
        choices: { text: string }[]
        usage?: { completion_tokens: number } | null
      }
      if ((choices[0]?.text ?? '') !== '') {
        last = performance.now()
        first ||= last
      }
      tokens = usage?.completion_tokens ?? tokens
    }
  }
  return { tokensPerSecond: ((tokens - 1) / (last - first)) * 1000, tokens }
}

async function counters(server: ServerProcess): Promise<{ drafted: number; accepted: number }> {
  const text = await (await fetch(`${server.url}/metrics`)).text()
  const read = (name: string): number =>
    Number(new RegExp(`^mneme_spec_decode_${name}_total (\\d+)`, 'm').exec(text)?.[1])
  return { drafted: read('num_draft_tokens'), accepted: read('num_accepted_tokens') }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

const folder = mkdtempSync(join(tmpdir(), 'mneme-drafts-'))
const flags = ['serve', model, '--port', '0', '--data', folder, '--threads', threads, '--log-level', 'warn']
const server = await listening(
  spawn(process.execPath, ['clients/cli/bin.js', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }),
)
const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as { data: { id: string }[] }
const name = data[0]!.id
try {
  console.log(
    `| text | tokens | without, tok/s | with drafts, tok/s | ratio | drafted | right |\n| --- | --- | --- | --- | --- | --- | --- |`,
  )
  for (const text of Object.keys(TEXTS) as (keyof typeof TEXTS)[]) {
    const rates: Record<'off' | 'on', number[]> = { off: [], on: [] }
    const before = await counters(server)
    let tokens = 0
    await measure(server, text, 0, 0) // loads what is loaded once
    for (let round = 1; round <= Number(rounds); round++) {
      const order = round % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)
      for (const kind of order) {
        const rate = await measure(server, text, round, kind === 'on' ? 15 : 0)
        rates[kind].push(rate.tokensPerSecond)
        if (kind === 'on') tokens += rate.tokens
      }
    }
    const after = await counters(server)
    const [off, on] = [median(rates.off), median(rates.on)]
    const ratio = median(rates.on.map((rate, at) => rate / rates.off[at]!))
    const drafted = after.drafted - before.drafted
    console.log(
      `| ${text} | ${tokens} | ${off.toFixed(1)} | ${on.toFixed(1)} | ${ratio.toFixed(2)} | ${drafted} | ${after.accepted - before.accepted} |`,
    )
  }
} finally {
  server.child.kill('SIGTERM')
  await server.exited
  rmSync(folder, { recursive: true })
}
