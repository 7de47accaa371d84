/** Which servers the command line asks for. */
import { join } from 'node:path'
import type { Contender } from './contender.ts'
import { describeServer } from './describe.ts'
import { llamaContender, llamaVersion } from './llama-server.ts'
import { mnemeContender, type BenchModel } from './mneme-server.ts'
import { mostTokens, type NextTurnOptions } from './next-turn.ts'
import { installedPeers, type Peer } from './peer.ts'
import { mostSpeedTokens, type SpeedOptions } from './speed.ts'

/** What is served where `model` is named (the bundled model where it is not); what has to be made goes into `folder`. */
export type PrepareModel = (
  model: string | undefined,
  folder: string,
  say: (line: string) => void,
) => Promise<BenchModel>

export interface ContenderFlags extends SpeedOptions, NextTurnOptions {
  readonly url?: string
  readonly apiKey?: string
  readonly model?: string
  readonly peer?: readonly Peer[]
  readonly threads?: number
}

/** The server that is asked for, and its peers. */
export async function contendersOf(
  prepare: PrepareModel,
  model: string | undefined,
  flags: ContenderFlags,
  folder: string,
  say: (line: string) => void,
): Promise<readonly Contender[]> {
  const tokens = Math.max(mostTokens(flags), mostSpeedTokens(flags))
  const { concurrency } = flags
  const threads = flags.threads === undefined ? [] : ['--threads', String(flags.threads)]
  const peers = flags.peer ?? (flags.url === undefined ? installedPeers(model) : [])
  const others: Contender[] = []
  for (const peer of peers) {
    if (peer.kind === 'url') {
      others.push(await runningContender(peer.name, peer.url))
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
    return withoutTwins([await runningContender(undefined, flags.url, flags.model, flags.apiKey), ...others])
  const served = await prepare(model, folder, say)
  const bin = process.argv[1] as string
  const data = join(folder, 'data')
  return withoutTwins([mnemeContender({ bin, model: served, data, tokens, concurrency, args: threads }), ...others])
}

/** A server that runs already, and is left as it is. */
async function runningContender(name: string | undefined, given: string, wanted?: string, apiKey?: string) {
  const url = baseOf(given)
  const { model, isMneme } = await describeServer({ url, apiKey }, wanted)
  const keepOnDisk = isMneme ? { prompt_cache_retention: '24h' } : {}
  const own = isMneme ? 'mneme' : 'server'
  return { name: name ?? own, url, apiKey, model, continuesById: isMneme, keepOnDisk } satisfies Contender
}

/** The address without what other clients want at its end. */
function baseOf(given: string): string {
  const url = given.replace(/\/+$/, '').replace(/\/v1$/, '')
  if (/^https?:\/\/./.test(url) && URL.canParse(url)) return url
  throw new UsageError(`--url: expected http://HOST:PORT, got '${given}'`)
}

/** Names are the columns of the tables. */
function withoutTwins(contenders: readonly Contender[]): readonly Contender[] {
  const names = contenders.map(({ name }) => name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new UsageError(`--peer: expected names that differ, got ${twice} twice`)
  return contenders
}

/** The command line asks for something that cannot be: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError' as const
}
