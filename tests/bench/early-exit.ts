/**
 * What an early exit is worth: decode speed over HTTP without it, with its drafts and with a threshold, by kind of text.
 *   npx tsx tests/bench/early-exit.ts BUNDLE [rounds=5] [THRESHOLD=0.8] [THREADS=2]
 * BUNDLE was exported of a model with exits. Drafts of n-grams are off. Prints medians of interleaved rounds, how many drafted
 * tokens were right, and for the threshold the share of tokens that nobody verified and where the greedy reply parts.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listening } from '../support/process.ts'

const [bundle, rounds = '5', threshold = '0.8', threads = '2'] = process.argv.slice(2)
if (bundle === undefined) throw new Error('usage: early-exit.ts BUNDLE [rounds=5] [THRESHOLD=0.8] [THREADS=2]')

const TOKENS = 160
const TEXTS = {
  'repetitive text': 'the sea and the land and the sea and the land and the sea and the land and the ',
  'a chat': 'User: What should I see in a town by the sea, and when should I go?\nAssistant: ',
  'code-like text':
    'def total(prices):\n    result = 0\n    for price in prices:\n        result = result + price\n    return',
} as const
const MODES = { without: false, drafts: true, threshold: Number(threshold) } as const

interface Reply {
  readonly tokens: number
  readonly perSecond: number
  readonly text: string
  readonly exit: { drafted_tokens: number; accepted_tokens: number; unverified_tokens: number } | undefined
}

const folder = mkdtempSync(join(tmpdir(), 'mneme-exit-'))
const flags = ['serve', bundle, '--port', '0', '--data', folder, '--threads', threads, '--log-level', 'warn']
const server = await listening(
  spawn(process.execPath, ['clients/cli/bin.js', ...flags], { stdio: ['ignore', 'pipe', 'inherit'] }),
)

/** A greedy reply; the time of its prompt is in it, and is the same in all modes. */
async function reply(prompt: string, early_exit: boolean | number): Promise<Reply> {
  const body = { prompt, temperature: 0, max_tokens: TOKENS, 'speculative.n_max': 0 }
  const start = performance.now()
  const response = await server.post('/v1/completions', { ...body, mneme: { gates: { early_exit } } })
  const json = (await response.json()) as {
    choices: { text: string }[]
    usage: { completion_tokens: number; mneme?: { early_exit?: Reply['exit'] } }
    error?: { message: string }
  }
  if (json.error) throw new Error(json.error.message)
  const { completion_tokens: tokens, mneme } = json.usage
  const perSecond = (tokens / (performance.now() - start)) * 1000
  return { tokens, perSecond, text: json.choices[0]!.text, exit: mneme?.early_exit }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

try {
  const { models } = (await (await fetch(`${server.url}/version`)).json()) as { models: { runtime: string }[] }
  console.log(`${models[0]!.runtime}\n`)
  console.log(
    '| text | without, tokens/s | drafts | right of drafted | same text | threshold | unverified | same until |',
  )
  console.log('| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |')
  for (const [name, prompt] of Object.entries(TEXTS)) {
    const seen: Record<keyof typeof MODES, Reply[]> = { without: [], drafts: [], threshold: [] }
    await reply(prompt, true)
    for (let round = 0; round < Number(rounds); round++) {
      const order = Object.entries(MODES) as [keyof typeof MODES, boolean | number][]
      for (const [mode, asked] of round % 2 === 0 ? order : order.toReversed())
        seen[mode].push(await reply(prompt, asked))
    }
    const ratio = (mode: keyof typeof MODES): string =>
      `${median(seen[mode].map(({ perSecond }, at) => perSecond / seen.without[at]!.perSecond)).toFixed(2)}x`
    const [plain, drafted, lossy] = [seen.without[0]!, seen.drafts[0]!, seen.threshold[0]!]
    let same = 0
    while (same < plain.text.length && plain.text[same] === lossy.text[same]) same++
    const until = plain.text === lossy.text ? 'the end' : `${same} characters`
    const speed = median(seen.without.map(({ perSecond }) => perSecond)).toFixed(0)
    const { drafted_tokens: made = 0, accepted_tokens: right = 0 } = drafted.exit ?? {}
    const unverified = lossy.exit?.unverified_tokens ?? 0
    console.log(
      `| ${name} | ${speed} | ${ratio('drafts')} | ${right} of ${made} | ${plain.text === drafted.text ? 'yes' : 'no'} | ` +
        `${ratio('threshold')} | ${unverified} of ${lossy.tokens} | ${until} |`,
    )
  }
} finally {
  server.child.kill('SIGTERM')
  await server.exited
  rmSync(folder, { recursive: true })
}
