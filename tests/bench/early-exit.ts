/**
 * What an early exit is worth: decode speed over HTTP without it, with its drafts and with a threshold, by kind of text.
 *   npx tsx tests/bench/early-exit.ts BUNDLE [rounds=5] [THRESHOLD=0.8] [THREADS=1] [TEMPERATURE=0] [TOKENS=200]
 * BUNDLE was exported of a model with exits. Prints medians of interleaved rounds against decoding without any drafts, in
 * brackets the fastest round of each against the fastest without: drafts of n-grams, of the exit, of both, and the exit with a
 * threshold. "Tokens a call": of the whole model, with drafts of the exit. "Unverified": tokens that the exit decided by itself;
 * "same until": where that reply parts from the model's own. Replies do not end before TOKENS.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadBundle } from '../../runtime/bundle.ts'
import { listening } from '../support/process.ts'

const [bundle, rounds = '5', threshold = '0.8', threads = '1', temperature = '0', tokens = '200'] =
  process.argv.slice(2)
if (bundle === undefined)
  throw new Error('usage: early-exit.ts BUNDLE [rounds=5] [THRESHOLD=0.8] [THREADS=1] [TEMPERATURE=0] [TOKENS=200]')

const TEXTS = {
  'repetitive text': 'the sea and the land and the sea and the land and the sea and the land and the ',
  'a story': 'Dorothy and the Tin Woodman walked along the road of yellow brick until they came to a',
  'code-like text':
    'def total(prices: List[int]) -> int:\n    """ Return the sum of all prices.\n    >>> total([1, 2])\n    3\n    """\n',
  'a chat': [
    {
      role: 'user',
      content: 'Anna has 12 apples. She buys 3 bags with 4 apples each. How many apples does she have now?',
    },
  ],
} as const
type Text = (typeof TEXTS)[keyof typeof TEXTS]

const NO_NGRAMS = { 'speculative.n_max': 0 }
const NGRAMS = { 'speculative.n_max': 15 }
const MODES = {
  without: { early_exit: false, ...NO_NGRAMS },
  ngrams: { early_exit: false, ...NGRAMS },
  drafts: { early_exit: true, ...NO_NGRAMS },
  both: { early_exit: true, ...NGRAMS },
  threshold: { early_exit: Number(threshold), ...NO_NGRAMS },
} as const
type Mode = keyof typeof MODES

interface Exit {
  readonly drafted_tokens: number
  readonly accepted_tokens: number
  readonly unverified_tokens: number
}
interface Reply {
  readonly tokens: number
  readonly perSecond: number
  readonly text: string
  readonly exit: Exit | undefined
}

const folder = mkdtempSync(join(tmpdir(), 'mneme-exit-'))
const eos = (await loadBundle(bundle)).manifest.tokenizer?.eos ?? []
const endless = Object.fromEntries(eos.map((id) => [id, -100]))
const flags = ['serve', bundle, '--port', '0', '--data', folder, '--threads', threads]
const plain = ['--memories', 'off', '--verify', 'off', '--log-level', 'warn']
const server = await listening(
  spawn(process.execPath, ['clients/cli/bin.js', ...flags, ...plain], { stdio: ['ignore', 'pipe', 'inherit'] }),
)

/** A reply, drawn with the same seed each time; the time of its prompt is in it, and is the same in all modes. */
async function reply(prompt: Text, mode: Mode): Promise<Reply> {
  const { early_exit, ...drafts } = MODES[mode]
  const asked = typeof prompt === 'string' ? { prompt } : { messages: prompt }
  const sampling = { temperature: Number(temperature), seed: 1, max_tokens: Number(tokens), logit_bias: endless }
  const path = typeof prompt === 'string' ? '/v1/completions' : '/v1/chat/completions'
  const start = performance.now()
  const response = await server.post(path, { ...asked, ...sampling, ...drafts, mneme: { gates: { early_exit } } })
  const json = (await response.json()) as {
    choices: { text?: string; message?: { content: string } }[]
    usage: { completion_tokens: number; mneme?: { early_exit?: Exit } }
    error?: { message: string }
  }
  if (json.error) throw new Error(json.error.message)
  const { completion_tokens: count, mneme } = json.usage
  const perSecond = (count / (performance.now() - start)) * 1000
  const [{ text, message }] = json.choices as [(typeof json.choices)[number]]
  return { tokens: count, perSecond, text: text ?? message!.content, exit: mneme?.early_exit }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** All modes in turn, forwards and backwards. */
async function measure(prompt: Text): Promise<Record<Mode, Reply[]>> {
  const modes = Object.keys(MODES) as Mode[]
  const seen = Object.fromEntries(modes.map((mode) => [mode, [] as Reply[]])) as Record<Mode, Reply[]>
  for (const mode of modes) await reply(prompt, mode)
  for (let round = 0; round < Number(rounds); round++)
    for (const mode of round % 2 === 0 ? modes : modes.toReversed()) seen[mode].push(await reply(prompt, mode))
  return seen
}

function row(name: string, seen: Record<Mode, readonly Reply[]>): string {
  const speeds = (mode: Mode): number[] => seen[mode].map(({ perSecond }) => perSecond)
  const ratio = (mode: Mode): string => {
    const paired = median(speeds(mode).map((speed, at) => speed / seen.without[at]!.perSecond))
    return `${paired.toFixed(2)}x (${(Math.max(...speeds(mode)) / Math.max(...speeds('without'))).toFixed(2)})`
  }
  const [without, ngrams, drafts, both, lossy] = (Object.keys(MODES) as Mode[]).map((mode) => seen[mode][0]!) as [
    Reply,
    Reply,
    Reply,
    Reply,
    Reply,
  ]
  let same = 0
  while (same < without.text.length && without.text[same] === lossy.text[same]) same++
  const until = without.text === lossy.text ? 'the end' : `${same} characters`
  const isSame = [ngrams, drafts, both].every(({ text }) => text === without.text)
  const { drafted_tokens: made = 0, accepted_tokens: right = 0 } = drafts.exit ?? {}
  const cells = [
    name,
    median(speeds('without')).toFixed(0),
    ratio('ngrams'),
    ratio('drafts'),
    ratio('both'),
    `${right} of ${made}`,
    (drafts.tokens / (drafts.tokens - right)).toFixed(2),
    isSame ? 'yes' : 'no',
    ratio('threshold'),
    `${lossy.exit?.unverified_tokens ?? 0} of ${lossy.tokens}`,
    until,
  ]
  return `| ${cells.join(' | ')} |`
}

try {
  const { models } = (await (await fetch(`${server.url}/version`)).json()) as { models: { runtime: string }[] }
  console.log(`${models[0]!.runtime}\n`)
  const head = 'text | without, tokens/s | n-grams | exit | both | right of drafted | tokens a call | same text'
  console.log(`| ${head} | threshold ${threshold} | unverified | same until |`)
  console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |')
  for (const [name, prompt] of Object.entries(TEXTS)) console.log(row(name, await measure(prompt)))
  const load = loadavg().map((value) => value.toFixed(1))
  console.log(`\n${rounds} rounds; load of the machine at the end: ${load.join(', ')}`)
} finally {
  server.child.kill('SIGTERM')
  await server.exited
  rmSync(folder, { recursive: true })
}
