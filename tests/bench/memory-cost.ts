/**
 * What memory costs a turn: latency of replies to the same messages with memories and without, in interleaved rounds against one
 * server.
 *   npx tsx tests/bench/memory-cost.ts [BUNDLE] [--memories 1000] [--rounds 40] [--tokens 48]
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine } from '../../clients/bench/machine.ts'
import { quantile } from '../../clients/bench/statistics.ts'
import { listening, type ServerProcess } from '../support/process.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    memories: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '40' },
    tokens: { type: 'string', default: '48' },
  },
})
const [count, rounds, tokens] = [Number(values.memories), Number(values.rounds), Number(values.tokens)]

const AFTER_MS = 200

type Mode = 'on' | 'read' | 'off'
type Kind = readonly [input: (round: number) => string, mode: Mode]

/** A message, and what the turn does with memories: each message also without them. */
const messages: Readonly<Record<string, Kind>> = {
  'asks the world: searched, none read': [(round) => `Why do cats purr, number ${round}?`, 'read'],
  // No number that a memory has: each message is another one, and asks the same.
  'asks what was told: read as a note': [(round) => `What is my locker code, ${round + 5000}?`, 'read'],
  'tells something: written': [(round) => `The ${names[round % names.length]} of my aunt is ${round * 7}.`, 'on'],
}
const names = 'kitchen garden cellar window mirror carpet ladder hammer candle basket'.split(' ')
const kinds: Readonly<Record<string, Kind>> = Object.fromEntries(
  Object.entries(messages).flatMap(([name, [input, mode]]) => [
    [`${name}, off`, [input, 'off']],
    [name, [input, mode]],
  ]),
)

interface Turn {
  readonly milliseconds: number
  readonly processor: number
  readonly generated: number
  readonly computed: number
  readonly read: number
}

/** Milliseconds that all threads of a process have run. */
function processorTime(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) =>
    readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8'),
  )
  return threads.reduce((sum, text) => sum + Number(text.split(' ')[0]) / 1e6, 0)
}

async function turn({ post, child }: ServerProcess, [input, mode]: Kind, round: number): Promise<Turn> {
  const before = processorTime(child.pid!)
  const began = performance.now()
  const answer = await post('/v1/responses', {
    input: input(round),
    temperature: 0,
    max_output_tokens: tokens,
    mneme: { memory: { mode, user_id: 'bench' }, verify: 'annotate' },
  })
  const json = (await answer.json()) as {
    usage: { output_tokens: number; mneme: { tokens_computed: number; memory?: { entries: readonly unknown[] } } }
  }
  const { output_tokens: generated, mneme } = json.usage
  const read = mneme.memory?.entries.length ?? 0
  const milliseconds = performance.now() - began
  // What is written and consolidated after the answer is the turn's, too.
  await new Promise((resolve) => setTimeout(resolve, AFTER_MS))
  const processor = processorTime(child.pid!) - before
  return { milliseconds, processor, generated, computed: mneme.tokens_computed, read }
}

async function fill({ post }: ServerProcess): Promise<void> {
  await post('/v1/memories', { text: 'My locker code is 4071.', user_id: 'bench' })
  for (let i = 1; i < count; i++)
    await post('/v1/memories', {
      text: `On day ${i} the ${i % 97} blue boxes went to town ${i % 41}.`,
      user_id: 'bench',
    })
}

const data = mkdtempSync(join(tmpdir(), 'mneme-memory-cost-'))
const bin = new URL('../../clients/cli/bin.js', import.meta.url).pathname
const args = [bin, 'serve', ...positionals, '--port', '0', '--data', data, '--log-level', 'warn']
const server = await listening(spawn(process.execPath, args))
await fill(server)
const turns = new Map(Object.keys(kinds).map((name) => [name, [] as Turn[]]))
for (let round = -2; round < rounds; round++)
  for (const [at, [name, kind]] of Object.entries(kinds).entries()) {
    // Each message is another one: what was read of the same prompt would not be read again.
    const made = await turn(server, kind, (round + 10) * 10 + at)
    if (round >= 0) turns.get(name)!.push(made)
  }
server.child.kill()
await server.exited
rmSync(data, { recursive: true, force: true })

const median = (name: string, of: (turn: Turn) => number): number => quantile(turns.get(name)!.map(of), 0.5)
console.log(describeMachine())
console.log(`${positionals[0] ?? 'bundled model'}, ${count} memories, medians of ${rounds} interleaved rounds`)
console.log(
  '| memories of the turn | ms | processor ms | ms a token generated | tokens generated | tokens computed | entries read |',
)
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: |')
for (const name of turns.keys()) {
  const perToken = median(name, ({ milliseconds, generated }) => milliseconds / generated)
  const times = [(t: Turn) => t.milliseconds, (t: Turn) => t.processor].map((of) => median(name, of).toFixed(1))
  const counts = [(t: Turn) => t.generated, (t: Turn) => t.computed, (t: Turn) => t.read].map((of) => median(name, of))
  console.log(`| ${name} | ${times.join(' | ')} | ${perToken.toFixed(2)} | ${counts.join(' | ')} |`)
}
