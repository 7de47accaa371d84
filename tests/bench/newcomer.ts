/**
 * A newcomer's own words through a server: what is told in one conversation, asked in another (tests/fixtures/newcomer).
 * `npx tsx tests/bench/newcomer.ts [BUNDLE...] [--verify annotate,quote] [--memories on,off] [--part held-out]`: the bundled model unless bundles are
 * given. Prints shares with 95 % intervals, of the lines that rules may be written for and of those held out.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import { listening, type ServerProcess } from '../support/process.ts'

interface Topic {
  readonly subject: string
  readonly attribute: string
}

interface Line {
  readonly kind: string
  readonly part: 'open' | 'held-out'
  readonly messages: readonly string[]
  readonly facts?: readonly (Topic & { readonly value: string })[]
  readonly asked?: Topic
  readonly answer?: string
}

/** One conversation that tells, one that asks, and what the answer has to have; null: that it does not know. */
interface Case {
  readonly kind: 'told' | 'corrected' | 'never told'
  readonly part: Line['part']
  readonly tells: readonly string[]
  readonly asks: string
  readonly value: string | null
}

const DENIAL = /(?:haven't|have not|never|not) (?:told|mentioned|said|shared)|(?:don't|do not) know|not sure/iu
const PROMISE = /\bI(?:'ll| will| have|'ve) (?:remember|noted|keep|saved)/iu

/** A plain question for a topic, where the line has none of its own. */
function questionFor({ subject, attribute }: Topic): string {
  if (subject !== 'user') return `What is my ${subject}'s ${attribute}?`
  if (attribute === 'home') return 'Where do I live?'
  if (attribute === 'likes') return 'What do I like?'
  if (attribute === 'allergy') return 'What am I allergic to?'
  return `What is my ${attribute}?`
}

function casesOf({ kind, part, messages, facts = [], answer }: Line): Case[] {
  const last = messages.at(-1) as string
  if (kind === 'asked' && answer !== undefined)
    return [{ kind: 'told', part, tells: messages.slice(0, -1), asks: last, value: answer }]
  if (kind === 'untold') return [{ kind: 'never told', part, tells: messages.slice(0, -1), asks: last, value: null }]
  if (kind !== 'told' && kind !== 'corrected') return []
  return facts.map((fact) => ({ kind, part, tells: messages, asks: questionFor(fact), value: fact.value }))
}

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

async function measure(server: ServerProcess, lines: readonly Line[]): Promise<Map<string, boolean[]>> {
  const results = new Map<string, boolean[]>()
  const note = (name: string, part: string, isRight: boolean): void => {
    const key = `${name}\t${part}`
    results.set(key, [...(results.get(key) ?? []), isRight])
  }
  const cases = lines.flatMap(casesOf)
  for (const [at, { kind, part, tells, asks, value }] of cases.entries()) {
    const user = `user-${at}`
    let previous: string | null = null
    for (const told of tells) {
      const reply: Reply = await say(server, user, told, previous)
      previous = reply.id
      if (PROMISE.test(reply.text)) note('promises that were kept', part, reply.written > 0)
    }
    const { text } = await say(server, user, asks, null)
    note(kind, part, value === null ? DENIAL.test(text) : folded(text).includes(folded(value)))
  }
  for (const [at, { part, messages }] of lines.filter(({ kind }) => kind === 'small talk').entries()) {
    const { text, written } = await say(server, `talker-${at}`, messages.at(-1) as string, null)
    note('small talk without an empty promise', part, !PROMISE.test(text) || written > 0)
  }
  return results
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    verify: { type: 'string', default: 'quote' },
    memories: { type: 'string', default: 'on' },
    part: { type: 'string', default: 'open,held-out' },
  },
})
const file = new URL('../fixtures/newcomer/told.jsonl', import.meta.url)
const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
const parts = values.part.split(',')
const parsed = lines.map((line): Line => JSON.parse(line)).filter(({ part }) => parts.includes(part))
for (const memories of values.memories.split(','))
  for (const verify of values.verify.split(',')) {
    const data = mkdtempSync(join(tmpdir(), 'mneme-newcomer-'))
    const options = ['--port', '0', '--data', data, '--memories', memories, '--verify', verify, '--log-level', 'warn']
    const bin = new URL('../../clients/cli/bin.js', import.meta.url).pathname
    const server = await listening(spawn(process.execPath, [bin, 'serve', ...positionals, ...options]))
    const began = performance.now()
    const results = await measure(server, parsed)
    server.child.kill()
    await server.exited
    rmSync(data, { recursive: true, force: true })
    const seconds = ((performance.now() - began) / 1000).toFixed(0)
    console.log(`\n${positionals.join(' ') || 'bundled model'}, memories ${memories}, verify ${verify} (${seconds} s)`)
    for (const name of new Set([...results.keys()].map((key) => key.split('\t')[0]))) {
      const shown = parts.map((part) => {
        const found = results.get(`${name}\t${part}`) ?? []
        const { share, interval, asked } = shareOf(found.filter(Boolean).length, found.length)
        return `${percent(share)} % of ${asked} (${percent(interval[0])} to ${percent(interval[1])})`
      })
      console.log(`| ${name} | ${shown.join(' | ')} |`)
    }
  }
