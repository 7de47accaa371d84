/** What servers and imports are killed in the middle of, and what has to hold afterwards. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadBundle } from '../../runtime/bundle.ts'
import { compiled } from './build.ts'
import { disagreements } from './folder-check.ts'
import { createClients, differences, inspect, talkAndKill, type RoundOptions } from './kill-cycle.ts'
import { startFakeServer, type ServerProcess } from './process.ts'
import { differentReplies, resendUntilGone, type Transcript } from './resending-client.ts'

const KIB = 1024

/** Servers by what they do most of the time. */
export const SERVERS = {
  /** States of 16 bytes, which go with their turns. */
  turns: {},
  /** States with pages and a large fixed part, which follow their turns. */
  pages: { environment: { FAKE_APPEND: '1', FAKE_STATE_BYTES: String(1100 * KIB) }, flags: { keepStates: 2 } },
  /** States of a few turns are kept, of all conversations, and no prefix for long; in memory hardly any. */
  evictions: {
    environment: { FAKE_APPEND: '1' },
    flags: { keepStates: 1, replayTokens: 200, stateDisk: '4KiB', prefixDisk: 24 * KIB, prefixCache: 8 * KIB },
  },
} satisfies Record<string, RoundOptions>

export interface KillReport {
  readonly kills: number
  readonly acknowledged: number
  readonly interrupted: number
  /** Acknowledged turns that are not there as they were. */
  readonly lost: number
  /** Turns that were not acknowledged, and are there in part. */
  readonly half: number
  /** Turns and replies with another text than in a run without kills. */
  readonly different: number
  /** Tables of the data folder that do not agree, in sentences. */
  readonly disagreements: readonly string[]
}

/**
 * Kills a server on the empty `folder` `kills` times, while four clients hold conversations and a fifth resends its history.
 * What has to hold is compared with a server on `other`, which is empty too.
 */
export async function killServers(
  kind: keyof typeof SERVERS,
  kills: number,
  folder: string,
  other: string,
): Promise<KillReport> {
  const options: RoundOptions = SERVERS[kind]
  const clients = createClients(4)
  const transcript: Transcript = []
  const beside = (server: ServerProcess): Promise<void> => resendUntilGone(server, transcript)
  for (let i = 0; i < kills; i++) await talkAndKill(folder, clients, 20 + Math.random() * 400, { ...options, beside })
  const before = disagreements(folder)
  const environment = options.environment ?? {}
  const server = await startFakeServer({ flags: { data: folder, ...options.flags }, environment })
  const uninterrupted = await startFakeServer({
    flags: { data: other, prefixCache: 0, maxQueue: 100 },
    environment,
  })
  try {
    const findings = await inspect(server, clients)
    const different =
      (await differences(server, uninterrupted, clients)) + (await differentReplies(uninterrupted, transcript))
    const [acknowledged, interrupted] = [
      clients.reduce((sum, client) => sum + client.acknowledged.length, transcript.length),
      clients.reduce((sum, client) => sum + client.begun.length, 0),
    ]
    server.child.kill('SIGTERM')
    await server.exited
    const after = disagreements(folder)
    return { kills, acknowledged, interrupted, ...findings, different, disagreements: [...before, ...after] }
  } finally {
    for (const { child, exited } of [server, uninterrupted]) {
      child.kill('SIGKILL')
      await exited
    }
  }
}

export interface ImportReport {
  readonly kills: number
  /** Imports that ended before they were to be killed. */
  readonly finished: number
  /** Bundles that were there and could not be loaded. */
  readonly broken: number
  /** What was left beside the bundle after an import that was not killed. */
  readonly leftovers: readonly string[]
}

/** Kills imports of a model folder into the empty `folder` at random moments; an earlier bundle is there. */
export async function killImports(source: string, kills: number, folder: string): Promise<ImportReport> {
  const out = join(folder, 'bundle')
  const run = (): ReturnType<typeof spawn> =>
    spawn(process.execPath, [compiled('clients/cli/bin.js'), 'import', source, '--out', out], { stdio: 'ignore' })
  const began = performance.now()
  await once(run(), 'exit')
  const wholeMs = performance.now() - began
  let [killed, finished, broken] = [0, 0, 0]
  while (killed < kills) {
    const child = run()
    const timer = setTimeout(() => child.kill('SIGKILL'), Math.random() * wholeMs)
    const [code] = (await once(child, 'exit')) as [number | null]
    clearTimeout(timer)
    if (code === null) killed++
    else finished++
    if (existsSync(out)) await loadBundle(out).catch(() => broken++)
  }
  const [code] = (await once(run(), 'exit')) as [number | null]
  await loadBundle(out).catch(() => broken++)
  const leftovers = readdirSync(folder).filter((name) => name !== 'bundle')
  return { kills: killed, finished, broken: code === 0 ? broken : broken + 1, leftovers }
}
