/**
 * What memory costs a turn: latency of short replies with memories off, searched without a match, read as notes, and written,
 * in interleaved rounds against one server.
 *   npx tsx tests/bench/memory-cost.ts [BUNDLE] [--memories 1000] [--rounds 40] [--tokens 48]
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
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

/** What a turn does with memories, by name. */
const kinds: Readonly<
  Record<string, { readonly mode: 'on' | 'read' | 'off'; readonly input: (round: number) => string }>
> = {
  off: { mode: 'off', input: (round) => `What is my locker code, ${round}?` },
  'searched, none read': { mode: 'read', input: (round) => `Why do cats purr, ${round}?` },
  'read as a note': { mode: 'read', input: (round) => `What is my locker code, ${round}?` },
  'told and written': { mode: 'on', input: (round) => `My box number ${round} is ${round * 7}.` },
}

interface Turn {
  readonly milliseconds: number
  readonly generated: number
  readonly computed: number
  readonly read: number
}

async function turn({ post }: ServerProcess, kind: (typeof kinds)[string], round: number): Promise<Turn> {
  const began = performance.now()
  const answer = await post('/v1/responses', {
    input: kind.input(round),
    temperature: 0,
    max_output_tokens: tokens,
    mneme: { memory: { mode: kind.mode, user_id: 'bench' }, verify: 'annotate' },
  })
  const json = (await answer.json()) as {
    usage: { output_tokens: number; mneme: { tokens_computed: number; memory?: { entries: readonly unknown[] } } }
  }
  const { output_tokens: generated, mneme } = json.usage
  const read = mneme.memory?.entries.length ?? 0
  return { milliseconds: performance.now() - began, generated, computed: mneme.tokens_computed, read }
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
  for (const [name, kind] of Object.entries(kinds)) {
    const made = await turn(server, kind, round + 10)
    if (round >= 0) turns.get(name)!.push(made)
  }
server.child.kill()
await server.exited
rmSync(data, { recursive: true, force: true })

const median = (name: string, of: (turn: Turn) => number): number => quantile(turns.get(name)!.map(of), 0.5)
console.log(describeMachine())
console.log(`${positionals[0] ?? 'bundled model'}, ${count} memories, medians of ${rounds} interleaved rounds`)
console.log('| memories of the turn | ms | ms a token generated | tokens generated | tokens computed | entries read |')
console.log('| --- | ---: | ---: | ---: | ---: | ---: |')
for (const name of turns.keys()) {
  const perToken = median(name, ({ milliseconds, generated }) => milliseconds / generated)
  const counts = [(t: Turn) => t.generated, (t: Turn) => t.computed, (t: Turn) => t.read].map((of) => median(name, of))
  console.log(
    `| ${name} | ${median(name, (t) => t.milliseconds).toFixed(1)} | ${perToken.toFixed(2)} | ${counts.join(' | ')} |`,
  )
}
