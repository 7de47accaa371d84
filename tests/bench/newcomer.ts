/**
 * A newcomer's own words through a server: what is told in one conversation, asked in another (tests/fixtures/newcomer).
 *   npx tsx tests/bench/newcomer.ts [BUNDLE...] [--verify annotate,quote] [--memories on,off] [--part open,held-out,A,B,...,S,X,Y,P+,kept,unread,cells,cells-unread] [--misses]
 * The bundled model unless bundles are given. Prints shares with 95 % intervals, of the lines that rules may be written for
 * (all but held-out and those unread) and of those held out; with --misses what went wrong, never of those held out.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import {
  cellCases,
  elaboratedCases,
  othersCases,
  peopleCases,
  toldCases,
  type Case,
} from '../support/newcomer-cases.ts'
import { listening, type ServerProcess } from '../support/process.ts'

const DENIAL = /(?:haven't|have not|never|not) (?:told|mentioned|said|shared)|(?:don't|do not) know|not sure/iu
const PROMISE = /\bI(?:'ll| will| have|'ve) (?:remember|noted|keep|saved)/iu
const QUOTE = /\bYou (?:have not )?told me\b/u
const NEAR = /\bWhat comes nearest:/u
/** Of these nobody who writes rules reads what went wrong. */
const KEPT = ['held-out', 'unread', 'cells-unread']

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    verify: { type: 'string', default: 'quote' },
    memories: { type: 'string', default: 'on' },
    part: { type: 'string', default: 'open,A,B,C,D,E,F,G,H,I,J,K,L,M,N,O,P,kept,X,Y,held-out,unread' },
    misses: { type: 'boolean', default: false },
  },
})

interface Reply {
  readonly id: string
  readonly text: string
  readonly written: number
}

async function say({ post }: ServerProcess, user: string, input: string, previous: string | null): Promise<Reply> {
  const options = { temperature: 0, max_output_tokens: 48, metadata: { user_id: user } }
  const answer = await post('/v1/responses', { input, ...options, previous_response_id: previous })
  const json = (await answer.json()) as {
    id: string
    error: { message: string } | null
    output: { content: { text: string }[] }[]
    usage: { mneme: { memory?: { written: string[] } } }
  }
  if (json.error) throw new Error(`${input}: ${json.error.message}`)
  const { memory } = json.usage.mneme
  return { id: json.id, text: json.output[0]?.content[0]?.text ?? '', written: memory?.written.length ?? 0 }
}

const folded = (text: string): string => text.normalize('NFKC').toLowerCase()
const names = (text: string, value: string): boolean => folded(text).includes(folded(value))

/** As a word of its own: "M" is not said by "Make that an XXL". */
function says(text: string, value: string): boolean {
  const [whole, part] = [folded(text), folded(value)]
  const isLetter = (one: string | undefined): boolean => one !== undefined && /[\p{L}\p{N}]/u.test(one)
  for (let at = whole.indexOf(part); at >= 0; at = whole.indexOf(part, at + 1))
    if (!isLetter(whole[at - 1]) && !isLetter(whole[at + part.length])) return true
  return false
}

type Results = Map<string, boolean[]>

async function measure(server: ServerProcess, cases: readonly Case[]): Promise<Results> {
  const results: Results = new Map()
  for (const [at, { kind, part, tells, asks, value, old, cell }] of cases.entries()) {
    const note = (what: string, isRight: boolean, shown: unknown = null): void => {
      const name = cell === undefined ? what : `${cell}: ${what}`
      const key = `${name}\t${part}`
      results.set(key, [...(results.get(key) ?? []), isRight])
      if (!isRight && values.misses && !KEPT.includes(part)) console.log(`${name}: ${JSON.stringify(shown)}`)
    }
    const user = `user-${at}`
    for (const messages of tells) {
      let previous: string | null = null
      for (const message of messages) {
        const reply: Reply = await say(server, user, message, previous)
        previous = reply.id
        if (PROMISE.test(reply.text)) note('promises that were kept', reply.written > 0, [message, reply.text])
      }
    }
    const { text, written } = await say(server, user, asks, null)
    const shown = [...tells.flat(), asks, text]
    if (kind === 'small talk') {
      note('small talk: nothing promised or kept', !PROMISE.test(text) && written === 0, shown)
      note('small talk: answered as such', !DENIAL.test(text) && !QUOTE.test(text) && !PROMISE.test(text), shown)
    } else if (value === null) {
      note(kind, DENIAL.test(text), shown)
      note('never told: without a sentence that comes near', DENIAL.test(text) && !NEAR.test(text), shown)
    } else if (old === null) {
      note(kind, names(text, value), shown)
      note('told: as an answer, not as what comes nearest', names(text, value) && !NEAR.test(text), shown)
    } else {
      note('corrected: the new value is said', names(text, value), shown)
      note('corrected: and the old one is not', names(text, value) && !says(text, old), shown)
    }
  }
  return results
}

const parts = values.part.split(',')
const cases = [...toldCases(), ...peopleCases(), ...othersCases(), ...elaboratedCases(), ...cellCases()].filter(
  ({ part }) => parts.includes(part),
)
for (const memories of values.memories.split(','))
  for (const verify of values.verify.split(',')) {
    const data = mkdtempSync(join(tmpdir(), 'mneme-newcomer-'))
    const options = ['--port', '0', '--data', data, '--memories', memories, '--verify', verify, '--log-level', 'warn']
    const bin = new URL('../../clients/cli/bin.js', import.meta.url).pathname
    const server = await listening(spawn(process.execPath, [bin, 'serve', ...positionals, ...options]))
    const began = performance.now()
    const results = await measure(server, cases)
    server.child.kill()
    await server.exited
    rmSync(data, { recursive: true, force: true })
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    console.log(
      `\n${positionals.join(' ') || 'bundled model'}, memories ${memories}, verify ${verify} (${seconds} s)\n`,
    )
    console.log(`| | ${parts.join(' | ')} |\n|${'---|'.repeat(parts.length + 1)}`)
    for (const name of new Set([...results.keys()].map((key) => key.split('\t')[0]))) {
      const shown = parts.map((part) => {
        const found = results.get(`${name}\t${part}`) ?? []
        if (found.length === 0) return ''
        const { share, interval, asked } = shareOf(found.filter(Boolean).length, found.length)
        return `${percent(share)} % of ${asked} (${percent(interval[0])} to ${percent(interval[1])})`
      })
      console.log(`| ${name} | ${shown.join(' | ')} |`)
    }
  }
