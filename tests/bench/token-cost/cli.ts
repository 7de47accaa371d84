/**
 * What a token costs in the server beside what it costs in the graph alone, in one run:
 * `npx tsx tests/bench/token-cost/cli.ts [--bundle FOLDER] [--tokens N] [--rounds N] [--against CHECKOUT] [--profile]`
 *
 * A round runs the bare graph, then a real server process with a client in another; medians of the rounds are printed.
 * With --against, the server of another checkout is measured in the same rounds, with the same client.
 * CPU is that of the whole server process, which says more than time where other programs run. With --profile, where
 * the server's time went for one stream over SSE.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import build, { compiled } from '../../support/build.ts'
import { listening, type ServerProcess } from '../../support/process.ts'
import { profileTable } from './profile.ts'

const { values } = parseArgs({
  options: {
    bundle: { type: 'string', default: 'models/pretrained/keeper' },
    tokens: { type: 'string', default: '2000' },
    rounds: { type: 'string', default: '3' },
    against: { type: 'string' },
    profile: { type: 'boolean', default: false },
  },
})
const { bundle } = values
const [tokens, rounds] = [Number(values.tokens), Number(values.rounds)]
const manifest = JSON.parse(readFileSync(join(bundle, 'manifest.json'), 'utf8')) as {
  name: string
  tokenizer: { eos: number[] }
}
const STREAMS = 16

build()
const folder = mkdtempSync(join(tmpdir(), 'mneme-cost-'))

/** Starts the server of an entry, with options of Node before it. */
function start(entry = compiled('clients/cli/bin.js'), ...node: string[]): Promise<ServerProcess> {
  const flags = [
    '--port',
    '0',
    '--data',
    mkdtempSync(join(folder, 'data-')),
    '--log-level',
    'warn',
    '--max-batch',
    String(STREAMS),
  ]
  const args = [...node, entry, 'serve', bundle, ...flags]
  return listening(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }))
}

/** Milliseconds of CPU that a process has used. */
function cpuOf(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

function client(server: ServerProcess, mode: string, streams: number, count: number): { ms: number; cpu: number } {
  const before = cpuOf(server.child.pid)
  const eos = manifest.tokenizer.eos.join(',')
  const args = [compiled('tests/bench/token-cost/client.ts'), server.url, mode, String(streams), String(count), eos]
  const output = execFileSync(process.execPath, [...args, manifest.name], { encoding: 'utf8' })
  const { ms, tokens: all } = JSON.parse(output) as { ms: number; tokens: number }
  return { ms: ms / all, cpu: (cpuOf(server.child.pid) - before) / all }
}

function bare(rows: number): number {
  const args = [compiled('tests/bench/token-cost/bare.ts'), bundle, String(rows), String(tokens)]
  const { stepMs } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as { stepMs: number }
  return stepMs / rows
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] as number

const rows: Record<string, { ms: number[]; cpu: number[] }> = {}
const note = (name: string, ms: number, cpu = NaN): void => {
  const row = (rows[name] ??= { ms: [], cpu: [] })
  row.ms.push(ms)
  row.cpu.push(cpu)
}
const servers = new Map([['', await start()]])
if (values.against) servers.set(' of the other checkout', await start(join(values.against, 'clients/cli/bin.js')))
for (const server of servers.values()) client(server, 'sse', 1, 200) // warm
for (let round = 0; round < rounds; round++) {
  for (const streams of [1, STREAMS]) {
    note(`graph alone, ${streams} x`, bare(streams))
    for (const mode of ['json', 'sse', 'ws']) {
      for (const [whose, server] of servers) {
        const { ms, cpu } = client(server, mode, streams, tokens)
        note(`${mode}${whose}, ${streams} x`, ms, cpu)
      }
    }
  }
}
for (const { child, exited } of servers.values()) {
  child.kill('SIGTERM')
  await exited
}

console.log(`${bundle}, ${tokens} tokens a reply, medians of ${rounds} rounds\n`)
console.log(
  '| what | ms a token | over the graph alone | share of its rate | CPU ms a token |\n|---|---:|---:|---:|---:|',
)
for (const [name, { ms, cpu }] of Object.entries(rows)) {
  const alone = median((rows[`graph alone, ${name.split(', ')[1]}`] as { ms: number[] }).ms)
  const own = median(ms)
  const rest = name.startsWith('graph')
    ? ' | | '
    : ` +${(own - alone).toFixed(3)} | ${((100 * alone) / own).toFixed(0)} % | ${median(cpu).toFixed(3)} `
  console.log(`| ${name} | ${own.toFixed(3)} |${rest}|`)
}
if (values.profile) {
  const profiled = await start(undefined, '--cpu-prof', `--cpu-prof-dir=${join(folder, 'profile')}`)
  client(profiled, 'sse', 1, tokens)
  profiled.child.kill('SIGTERM')
  await profiled.exited
  console.log(`\n${profileTable(join(folder, 'profile'), tokens)}`)
}
rmSync(folder, { recursive: true })
