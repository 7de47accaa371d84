/**
 * What a conversation costs on the bundled model, on a real server process: `npx tsx tests/bench/serving.ts [sessions=10000]`
 * Prints: tokens saved after a restart, time to first token by length of history, bytes of a checkpoint, memory of
 * parked sessions.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listening, type ServerProcess } from '../support/process.ts'

const sessions = Number(process.argv[2] ?? 10_000)
const folder = mkdtempSync(join(tmpdir(), 'mneme-serving-'))

interface Response {
  readonly id: string
  readonly usage: {
    readonly input_tokens: number
    readonly input_tokens_details: { readonly cached_tokens: number }
    readonly mneme: { readonly tokens_computed: number; readonly state_bytes: number }
  }
}

const start = (): Promise<ServerProcess> =>
  listening(
    spawn(process.execPath, ['clients/cli/bin.js', 'serve', '--port', '0', '--data', folder, '--log-level', 'warn'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )

async function turn(server: ServerProcess, input: string, previous?: string, limit = 24): Promise<Response> {
  const response = await server.post('/v1/responses', {
    model: 'keeper',
    input,
    temperature: 0,
    max_output_tokens: limit,
    ...(previous === undefined ? {} : { previous_response_id: previous }),
  })
  if (!response.ok) throw new Error(await response.text())
  return (await response.json()) as Response
}

async function kill(server: ServerProcess): Promise<void> {
  server.child.kill('SIGKILL')
  await server.exited
}

/** Milliseconds until the first delta of a streamed reply arrives. */
async function firstToken(server: ServerProcess, previous: string): Promise<number> {
  const since = performance.now()
  const body = { model: 'keeper', input: 'What is my name?', temperature: 0, stream: true, store: false }
  const response = await server.post('/v1/responses', { ...body, previous_response_id: previous })
  let seen = ''
  for await (const chunk of response.body!) {
    seen += Buffer.from(chunk as Uint8Array).toString()
    if (seen.includes('response.output_text.delta')) break
  }
  return performance.now() - since
}

/** A conversation of at least `tokens` tokens; its last response. */
async function history(server: ServerProcess, tokens: number): Promise<Response> {
  let last = await turn(server, 'My name is Oskar.')
  const talk = Array.from(
    { length: Math.min(60, tokens / 40) },
    () => 'We talked about the weather and the old garden.',
  ).join(' ')
  while (last.usage.input_tokens < tokens) last = await turn(server, talk, last.id, 4)
  return last
}

const median = (xs: readonly number[]): number => xs.toSorted((a, b) => a - b)[xs.length >> 1]!
const resident = (server: ServerProcess): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))![1]) / 1024

let server = await start()
let last = await turn(server, 'My name is Oskar.')
for (let i = 1; i < 50; i++) last = await turn(server, `Tell me something about the garden, part ${i}.`, last.id)
await kill(server)
server = await start()
const after = await turn(server, 'What is my name?', last.id)
const { input_tokens: whole, input_tokens_details: details } = after.usage
console.log(
  `51st turn after kill -9: ${whole} input tokens, ${details.cached_tokens} of them cached, ${whole - details.cached_tokens} computed`,
)
console.log(`bytes of a checkpoint's state: ${after.usage.mneme.state_bytes}`)

const [short, long] = [await history(server, 1_000), await history(server, 100_000)]
const times: [number[], number[]] = [[], []]
for (let round = 0; round < 41; round++) {
  times[0].push(await firstToken(server, short.id))
  times[1].push(await firstToken(server, long.id))
}
const [a, b] = times.map(median) as [number, number]
console.log(
  `time to first token of a continued turn, median of 41, interleaved: ${a.toFixed(1)} ms at ${short.usage.input_tokens} tokens, ` +
    `${b.toFixed(1)} ms at ${long.usage.input_tokens} tokens, ratio ${(b / a).toFixed(2)}`,
)

const before = resident(server)
const size = (): number =>
  ['', '-wal'].reduce(
    (n, end) => n + (statSync(join(folder, `mneme.db${end}`), { throwIfNoEntry: false })?.size ?? 0),
    0,
  )
const sizeBefore = size()
let parked = 0
await Promise.all(
  Array.from({ length: 8 }, async () => {
    while (parked < sessions) await turn(server, `My locker code is K${parked++}.`, undefined, 2)
  }),
)
console.log(
  `${parked} sessions parked: resident memory ${before.toFixed(0)} MiB before, ${resident(server).toFixed(0)} MiB after; ` +
    `on disk ${((size() - sizeBefore) / parked / 1024).toFixed(0)} KiB a session`,
)
await kill(server)
server = await start()
console.log(`restarted with them: ${resident(server).toFixed(0)} MiB`)
await kill(server)
rmSync(folder, { recursive: true })
