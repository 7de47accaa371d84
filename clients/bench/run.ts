/** Runs `mneme bench`: what is measured, in which order, and what is printed. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { addressOf, type Contender } from './contender.ts'
import { contendersOf, UsageError, type ContenderFlags, type PrepareModel } from './contenders.ts'
import { describeServer, type ServerDescription } from './describe.ts'
import { describeMachine } from './machine.ts'
import { measureNextTurns, mostTokens } from './next-turn.ts'
import { report } from './report.ts'
import { measureSpeed, type Metric, type Running } from './speed.ts'

export interface BenchFlags extends ContenderFlags {
  readonly only?: 'speed' | 'turns'
  /** A file. */
  readonly json?: string
}

/** Throws where the command line asks for what cannot be, or a server fails. */
export async function bench(prepare: PrepareModel, model: string | undefined, flags: BenchFlags): Promise<void> {
  if (model !== undefined && flags.url !== undefined)
    throw new UsageError(`expected a model to serve or --url, got both ${model} and ${flags.url}`)
  const folder = await mkdtemp(join(tmpdir(), 'mneme-bench-'))
  try {
    const contenders = await contendersOf(prepare, model, flags, folder, say)
    await measure(contenders, flags)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Measures both parts and prints them. */
async function measure(contenders: readonly Contender[], flags: BenchFlags): Promise<void> {
  const machine = describeMachine()
  const rounds = flags.rounds
  const running = await startAll(contenders)
  let speed: Metric[] = []
  const servers: ServerDescription[] = []
  try {
    for (const { address, contender } of running) servers.push(await describeServer(address, contender.model))
    if (flags.only !== 'turns') {
      say(`speed, ${rounds} rounds`)
      speed = await measureSpeed(running, flags)
    }
  } finally {
    for (const { server } of contenders) await server?.stop('SIGTERM')
  }
  const lengths = flags.lengths.filter((length) => fits({ ...flags, lengths: [length] }, servers, length))
  const turns =
    flags.only === 'speed' || lengths.length === 0 ? [] : await measureNextTurns(contenders, { ...flags, lengths }, say)
  process.stdout.write(report({ machine, contenders, servers, rounds, speed, turns }))
  if (flags.json === undefined) return
  const about = contenders.map(({ name }, i) => ({ name, ...servers[i] }))
  await writeFile(flags.json, `${JSON.stringify({ machine, servers: about, rounds, speed, turns }, null, 2)}\n`)
}

/** Whether conversations of a length fit into what all servers take; says where they do not. */
function fits(flags: BenchFlags, servers: readonly ServerDescription[], length: number): boolean {
  const tokens = mostTokens(flags)
  const small = servers.find(({ contextLength }) => contextLength !== null && contextLength < tokens)
  if (small)
    say(
      `conversations of ${length} tokens are left out: with their turns they take ${tokens}, and ${small.model} is served with ${small.contextLength}`,
    )
  return !small
}

async function startAll(contenders: readonly Contender[]): Promise<Running[]> {
  const running: Running[] = []
  for (const contender of contenders) {
    const url = contender.url ?? (await contender.server?.start('speed'))
    if (url !== undefined) running.push({ contender, address: addressOf(contender, url) })
  }
  return running
}

/** Progress goes to stderr: stdout has the tables only. */
const say = (line: string): void => void process.stderr.write(`mneme bench: ${line}\n`)
