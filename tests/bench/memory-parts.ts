/**
 * What the parts of a turn's memory cost, without the model and HTTP: embedding the message, searching, reading what it tells, and the
 * critic's rules over a reply. By what is remembered: sentences that no rule reads, or as many facts. Medians, in milliseconds of the
 * processor (all threads) and of time; each part after a pause, as in a server, whose caches hold other things by then.
 *   npx tsx tests/bench/memory-parts.ts [--memories 1000] [--rounds 50] [--pause 50]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { describeMachine } from '../../clients/bench/machine.ts'
import { quantile } from '../../clients/bench/statistics.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import { verifyReply } from '../../server/critic/verify-reply.ts'
import type { Deps } from '../../server/deps.ts'
import { startEmbedderThread } from '../../server/embedding/embedders.ts'
import { createLog } from '../../server/log.ts'
import { findEvidence } from '../../server/memory/evidence.ts'
import { embedTold, makeVector } from '../../server/memory/memories.ts'
import { memoriesOfTurn } from '../../server/memory/told.ts'
import { startStore } from '../../server/store/start.ts'
import { sibling } from '../../server/thread.ts'

const { values } = parseArgs({
  options: {
    memories: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '50' },
    pause: { type: 'string', default: '50' },
  },
})
const [count, rounds, pauseMs] = [Number(values.memories), Number(values.rounds), Number(values.pause)]

const OWNER = 'bench'
const USE = { namespace: 'default', user: 'bench', read: true, write: true, pin: false }
const REPLY =
  'Cats purr for several reasons. It helps them to calm down, and to tell others that they are at ease. Some vets think that it heals.'
/** Rounds before those that count: code is compiled in them. */
const WARM = 10
const signal = new AbortController().signal

const told: Readonly<Record<string, (at: number) => string>> = {
  sentences: (at) => `On day ${at} the ${at % 97} blue boxes went to town ${at % 41}.`,
  facts: (at) => `My ${['red', 'blue', 'old', 'new', 'big'][at % 5]} box${at} code is ${at * 7}.`,
}

interface Cost {
  readonly ms: number
  readonly processor: number
}

async function measure(textOf: (at: number) => string): Promise<Map<string, Cost[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'mneme-memory-parts-'))
  const store = startStore({ folder, keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 })
  const thread = startEmbedderThread(sibling('../../server/embedding/worker', import.meta.url), createLog('silent'))
  const { manifest, id } = await loadBundle(DEFAULT_EMBEDDER)
  const { maxTokens, leastSimilarity } = manifest.embedder!
  const embedder = {
    ...(await thread.open(DEFAULT_EMBEDDER, 2)),
    name: manifest.name,
    bundle: id,
    maxTokens,
    leastSimilarity,
  }
  const metric = { observe: () => undefined, inc: () => undefined }
  const deps = {
    store,
    embedders: [embedder],
    gating: { controller: null, thresholds: {} },
    metrics: { memorySearch: metric, verification: metric, verdicts: metric },
    critic: null,
    smallTalk: null,
    log: createLog('silent'),
    now: Date.now,
  } as unknown as Deps
  for (let at = 0; at < count; at++) {
    const turn = await memoriesOfTurn(deps, OWNER, USE, textOf(at), { response: `r${at}`, conversation: `c${at}` })
    await store.tellMemories(OWNER, turn.told)
    await embedTold(deps, OWNER, turn.written)
  }
  const costs = new Map<string, Cost[]>()
  for (let round = -WARM; round < rounds; round++) {
    const part = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      const [before, began] = [process.cpuUsage(), performance.now()]
      const value = await work()
      const ms = performance.now() - began
      const { user, system } = process.cpuUsage(before)
      if (round >= 0) costs.set(name, [...(costs.get(name) ?? []), { ms, processor: (user + system) / 1000 }])
      return value
    }
    const message = `Why do cats purr, number ${round + WARM}?`
    const made = await part('embedding', () => makeVector(deps, OWNER, message, signal))
    const search = { owner: OWNER, use: USE, message, made }
    const evidence = await part('retrieval', () => findEvidence(deps, search, () => false, signal))
    const origin = { response: 'r', conversation: 'c' }
    const turn = await part('extraction', () => memoriesOfTurn(deps, OWNER, USE, message, origin))
    const checked = {
      question: message,
      reply: REPLY,
      evidence: evidence!,
      told: turn,
      heard: [message],
      isWhole: true,
      knowsOnlyTold: false,
    }
    await part('critic, by rules', () => verifyReply(deps, OWNER, USE, checked, 'annotate'))
  }
  await thread.close()
  await store.close()
  rmSync(folder, { recursive: true })
  return costs
}

console.log(`${describeMachine()}; ${count} memories, medians of ${rounds} rounds\n`)
console.log('| remembered | part | processor ms | ms |')
console.log('| --- | --- | ---: | ---: |')
for (const [name, textOf] of Object.entries(told))
  for (const [part, all] of await measure(textOf)) {
    const median = (of: (cost: Cost) => number): string => quantile(all.map(of), 0.5).toFixed(2)
    console.log(`| ${name} | ${part} | ${median(({ processor }) => processor)} | ${median(({ ms }) => ms)} |`)
  }
