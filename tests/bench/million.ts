/**
 * One session of a million tokens on the bundled model, by id over HTTP: what reading a token and answering a short turn
 * take, and the memory of the server, along the way.
 *   npx tsx tests/bench/million.ts [TOKENS=1000000] [TOKENS_A_TURN=8000] [PREFIX_CACHE]
 * PREFIX_CACHE is what the server may keep of states for later turns, in bytes (its --prefix-cache).
 * A stopped run goes on where it was. What was measured is in docs/results/million, of which tests/bench/pictures.ts draws
 * the picture.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startChildServer } from '../../clients/bench/child-server.ts'
import { describeServer } from '../../clients/bench/describe.ts'
import { randomText, wordsPerToken } from '../../clients/bench/prompts.ts'
import { quantile } from '../../clients/bench/statistics.ts'
import { streamReply, type StreamedReply } from '../../clients/bench/stream.ts'
import { LOG, readSession, type SessionPoint } from './million-log.ts'

const [tokens, perTurn] = [1_000_000, 8000].map((value, i) => Number(process.argv[2 + i] ?? value)) as [number, number]
const prefixCache = process.argv[4] === undefined ? [] : ['--prefix-cache', process.argv[4]]
const data = join('.cache', 'bench', 'million')
// Without its conversation a log cannot go on, and a conversation without its log is of no use.
if (!existsSync(data) || !existsSync(LOG)) {
  rmSync(data, { recursive: true, force: true })
  rmSync(LOG, { force: true })
}
mkdirSync(data, { recursive: true })
mkdirSync(join(LOG, '..'), { recursive: true })

const args = [
  'clients/cli/bin.js',
  'serve',
  '--data',
  data,
  '--log-level',
  'error',
  '--until-stdin-ends',
  ...prefixCache,
  '--port',
]
const server = await startChildServer(process.execPath, (port) => [...args, String(port)])
const { model } = await describeServer(server)
const words = await wordsPerToken(server, model)
let last = readSession().at(-1)
while ((last?.tokens ?? 0) < tokens) last = await step(last)
await server.stop('SIGTERM')
print(readSession())

/** A long turn and a short one; what they took. */
async function step(before: SessionPoint | undefined): Promise<SessionPoint> {
  const seed = (before?.turn ?? 0) + 1
  const long = await turn(randomText(Math.round(words * perTurn), seed), before?.id)
  const short = await turn('What did I say?', long.id)
  const [read, asked] = [countsOf(long), countsOf(short)]
  const point: SessionPoint = {
    turn: seed,
    id: short.id,
    tokens: asked.prompt + asked.output,
    computed: read.prompt - read.cached,
    msPerToken: long.ttft / (read.prompt - read.cached),
    shortComputed: asked.prompt - asked.cached,
    shortTtft: short.ttft,
    memoryMiB: memoryOf(server.pid),
  }
  appendFileSync(LOG, `${JSON.stringify(point)}\n`)
  const { msPerToken, shortTtft, memoryMiB } = point
  console.error(
    `${point.tokens} tokens: ${msPerToken.toFixed(3)} ms a token read, ${shortTtft.toFixed(0)} ms a short turn, ${memoryMiB.toFixed(0)} MiB`,
  )
  return point
}

function turn(input: string, previous: string | undefined): Promise<StreamedReply> {
  const from = previous === undefined ? {} : { previous_response_id: previous }
  return streamReply(server, '/v1/responses', {
    model,
    input,
    ...from,
    max_output_tokens: 8,
    temperature: 0,
    store: true,
  })
}

function countsOf({ tokens: counts }: StreamedReply) {
  if (!counts) throw new Error('expected the usage of a response, got none')
  return counts
}

/** Resident memory of a process, with what of it is swapped out. */
function memoryOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return (
    ['VmRSS', 'VmSwap'].reduce((sum, name) => sum + Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]), 0) /
    1024
  )
}

/** Medians of the tenths of the session. */
function print(points: readonly SessionPoint[]): void {
  console.log(
    '| tokens of the session | ms a token read | first token of a short turn, ms | tokens it computed | memory, MiB |',
  )
  console.log('| ---: | ---: | ---: | ---: | ---: |')
  const size = points.length / 10
  for (let tenth = 0; tenth < 10; tenth++) {
    const part = points.slice(Math.floor(tenth * size), Math.floor((tenth + 1) * size))
    if (part.length === 0) continue
    const median = (of: (point: SessionPoint) => number): number => quantile(part.map(of), 0.5)
    const cells = [
      part.at(-1)?.tokens ?? 0,
      median(({ msPerToken }) => msPerToken).toFixed(3),
      median(({ shortTtft }) => shortTtft).toFixed(1),
      median(({ shortComputed }) => shortComputed),
      median(({ memoryMiB }) => memoryMiB).toFixed(0),
    ]
    console.log(`| ${cells.join(' | ')} |`)
  }
}
