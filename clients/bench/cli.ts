/** The command `mneme bench`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { addressOf, type Contender } from './contender.ts'
import { describeServer, type ServerDescription } from './describe.ts'
import { llamaContender, llamaVersion } from './llama-server.ts'
import { describeMachine } from './machine.ts'
import { mnemeContender, type BenchModel } from './mneme-server.ts'
import { measureNextTurns, mostTokens, type NextTurn } from './next-turn.ts'
import { installedPeers, parsePeer, type Peer } from './peer.ts'
import { nextTurnTable, speedTable } from './report.ts'
import { measureSpeed, type Metric, type Running, type SpeedOptions } from './speed.ts'

/** What is served where `model` is named (the bundled model where it is not); what has to be made goes into `folder`. */
export type PrepareModel = (
  model: string | undefined,
  folder: string,
  say: (line: string) => void,
) => Promise<BenchModel>

interface BenchFlags {
  readonly url?: string
  readonly apiKey?: string
  readonly model?: string
  readonly peer?: readonly Peer[]
  readonly threads?: number
  readonly prompt: number
  readonly gen: number
  readonly depths: readonly number[]
  readonly concurrency: number
  readonly lengths: readonly number[]
  readonly rounds: number
  readonly restarts: number
  readonly only?: 'speed' | 'turns'
  readonly json?: string
}

/** `mneme bench [MODEL]`. */
export function benchCommand(prepare: PrepareModel): Command {
  return new Command('bench')
    .description('measure speed, and what the next turn of a conversation costs, on this machine, over HTTP')
    .argument(
      '[model]',
      'what mneme serve takes: a bundle, a model folder, a .gguf file, hf:OWNER/NAME (default: the bundled model)',
    )
    .option('--url <url>', 'measure the server that runs there, of any program that speaks the OpenAI protocol')
    .option('--api-key <key>', 'key of that server (default: MNEME_API_KEY)', process.env['MNEME_API_KEY'])
    .option('--model <name>', "model of that server (default: the server's first)")
    .addOption(
      new Option(
        '--peer <peer>',
        'measure this one beside it, in the same rounds: NAME=URL, or llama-server[=PROGRAM][:MODEL.gguf]; may be repeated (default: llama-server where it is installed and MODEL is a .gguf file)',
      ).argParser(parsePeer),
    )
    .addOption(new Option('--threads <number>', 'threads of each server that is started').argParser(positive))
    .addOption(new Option('--prompt <tokens>', 'prompt of the prefill row').argParser(positive).default(512))
    .addOption(new Option('--gen <tokens>', 'tokens of each reply').argParser(positive).default(64))
    .addOption(
      new Option('--depths <list>', 'tokens before the reply in the decoding rows')
        .argParser(list)
        .default([64, 1024], '64,1024'),
    )
    .addOption(
      new Option('--concurrency <number>', 'requests at once in the last rows').argParser(positive).default(16),
    )
    .addOption(
      new Option('--lengths <list>', 'tokens of the conversations of which the next turn is measured')
        .argParser(list)
        .default([1024, 4096], '1024,4096'),
    )
    .addOption(new Option('--rounds <number>', 'rounds in which the servers take turns').argParser(positive).default(3))
    .addOption(
      new Option('--restarts <number>', 'restarts, kills and unloads of each length').argParser(positive).default(1),
    )
    .addOption(new Option('--only <part>', 'measure one part').choices(['speed', 'turns']))
    .option('--json <file>', 'write everything that was measured there, too')
    .action((model: string | undefined, flags: BenchFlags) => bench(prepare, model, flags))
}

async function bench(prepare: PrepareModel, model: string | undefined, flags: BenchFlags): Promise<void> {
  if (model !== undefined && flags.url !== undefined)
    throw new UsageError(`expected a model to serve or --url, got both ${model} and ${flags.url}`)
  const folder = await mkdtemp(join(tmpdir(), 'mneme-bench-'))
  try {
    const contenders = await contendersOf(prepare, model, flags, folder)
    await measure(contenders, flags)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const say = (line: string): void => void process.stderr.write(`mneme bench: ${line}\n`)

/** The server that is asked for, and its peers. */
async function contendersOf(
  prepare: PrepareModel,
  model: string | undefined,
  flags: BenchFlags,
  folder: string,
): Promise<Contender[]> {
  const tokens = Math.max(mostTokens(flags), speedTokens(flags))
  const { concurrency } = flags
  const threads = flags.threads === undefined ? [] : ['--threads', String(flags.threads)]
  const peers = flags.peer ?? (flags.url === undefined ? installedPeers(model) : [])
  const others: Contender[] = []
  for (const peer of peers) {
    if (peer.kind === 'url') {
      others.push(await runningContender(peer.name, peer.url, undefined))
      continue
    }
    const gguf = peer.gguf ?? (model?.endsWith('.gguf') ? model : undefined)
    if (gguf === undefined)
      throw new UsageError(
        `--peer llama-server: expected a GGUF file of the same model, as in llama-server=${peer.program}:MODEL.gguf`,
      )
    say(llamaVersion(peer.program))
    others.push(llamaContender({ program: peer.program, gguf, data: folder, tokens, concurrency, args: threads }))
  }
  if (flags.url !== undefined)
    return [await runningContender('server', flags.url, flags.model, flags.apiKey), ...others]
  const served = await prepare(model, folder, say)
  const bin = process.argv[1] as string
  const data = join(folder, 'data')
  return [mnemeContender({ bin, model: served, data, tokens, concurrency, args: threads }), ...others]
}

/** Tokens that all requests of the speed rows have at once, at most. */
function speedTokens({ prompt, gen, depths, concurrency }: BenchFlags): number {
  const streams = concurrency * (Math.min(...depths) + gen)
  return Math.ceil(1.2 * Math.max(prompt, streams, Math.max(...depths) + gen)) + 64
}

async function runningContender(name: string, given: string, wanted?: string, apiKey?: string): Promise<Contender> {
  const url = given.replace(/\/+$/, '').replace(/\/v1$/, '')
  if (!/^https?:\/\/./.test(url) || !URL.canParse(url))
    throw new UsageError(`--url: expected http://HOST:PORT, got '${given}'`)
  const { model, isMneme } = await describeServer({ url, apiKey }, wanted)
  const keepOnDisk = isMneme ? { prompt_cache_retention: '24h' } : {}
  return { name: isMneme ? 'mneme' : name, url, apiKey, model, continuesById: isMneme, keepOnDisk }
}

/** Measures both parts and prints them. */
async function measure(contenders: readonly Contender[], flags: BenchFlags): Promise<void> {
  const machine = describeMachine()
  const rounds = flags.rounds
  const options: SpeedOptions = { ...flags, generate: flags.gen }
  const running = await startAll(contenders)
  let speed: Metric[] = []
  const servers: ServerDescription[] = []
  try {
    for (const { address, contender } of running) servers.push(await describeServer(address, contender.model))
    if (flags.only !== 'turns') {
      say(`speed, ${rounds} rounds`)
      speed = await measureSpeed(running, options)
    }
  } finally {
    for (const { server } of contenders) await server?.stop('SIGTERM')
  }
  const lengths = flags.lengths.filter((length) => fits({ ...flags, lengths: [length] }, servers, length))
  const turns =
    flags.only === 'speed' || lengths.length === 0 ? [] : await measureNextTurns(contenders, { ...flags, lengths }, say)
  process.stdout.write(report(machine, contenders, servers, flags, speed, turns))
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

function report(
  machine: string,
  contenders: readonly Contender[],
  servers: readonly ServerDescription[],
  { rounds, only }: BenchFlags,
  speed: readonly Metric[],
  turns: readonly NextTurn[],
): string {
  const about = contenders.map(({ name }, i) => `- ${name}: ${servers[i]?.version}, model ${servers[i]?.model}`)
  const compared = contenders.length > 1 ? `; in brackets how many times as fast ${contenders[0]?.name} is` : ''
  return [
    machine,
    ...about,
    ...(only === 'turns'
      ? []
      : ['', `Speed, medians of ${rounds} rounds (least to most)${compared}:`, '', speedTable(speed, contenders)]),
    ...(turns.length === 0
      ? []
      : [
          '',
          'What the next turn costs; in brackets the tokens that are new in it:',
          '',
          nextTurnTable(turns, contenders),
        ]),
    '',
  ].join('\n')
}

function positive(value: string): number {
  const number = Number(value)
  if (Number.isInteger(number) && number > 0) return number
  throw new InvalidArgumentError('Expected a whole number above 0.')
}

function list(value: string): number[] {
  return value.split(',').map(positive)
}

/** The command line asks for something that cannot be: exit code 2. */
class UsageError extends Error {
  override name = 'UsageError' as const
}
