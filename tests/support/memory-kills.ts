/** Servers that are killed while memories are told, consolidated, evicted and erased, and what has to hold afterwards. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { disagreements } from './folder-check.ts'
import { startFakeServer, type ServerProcess } from './process.ts'
import type { Json } from './test-server.ts'

export interface MemoryKillReport {
  readonly kills: number
  readonly told: number
  readonly erased: number
  readonly evicted: number
  readonly grouped: number
  /** Turns that were answered without memories because their store could not be reached. */
  readonly withoutMemories: number
  /** Acknowledged turns, or what was taken from them, that are not there. */
  readonly lost: number
  /** Acknowledged deletions of which a response, a memory or any byte is there. */
  readonly back: number
  /** Tables of the data folder that do not agree, in sentences. */
  readonly disagreements: readonly string[]
}

interface Told {
  readonly number: number
  readonly response: string
  readonly memory: string
}

/** Few episodes, so that turns are evicted; states are pruned and rebuilt. */
const FLAGS = { memories: 'on', memoryEntries: 4, keepStates: 2 }
const TELLERS = 3
const BEFORE = ['The', 'Well, the', 'Really, the', 'Ok, the', 'Oh, the', 'So the']
const BEHIND = ['', ' very much', ' too', ' also', ' a lot', ' quite a lot']

/** A value that nothing else has, and one of 36 sentences that say the same. */
const inputOf = (number: number): string => {
  const [before, behind] = [BEFORE[number % 6], BEHIND[Math.floor(number / 6) % 6]]
  return `My locker${number} code is secret${number}x. ${before} wind was howling around the house${behind}.`
}

const pathsOf = ({ response, memory }: Told): readonly string[] => [
  `responses/${response}?cascade=true`,
  `memories/${memory}?source=true&cascade=true`,
  `conversations/${response}?cascade=true`,
]

/**
 * Kills a server on the empty `folder` so many times at random moments. `memoryStore`: an empty database for its memories, and the
 * numbers of all secrets in it.
 */
export async function killWhileForgetting(
  kills: number,
  folder: string,
  memoryStore: { readonly url: string; secrets(): Promise<readonly number[]> } | null = null,
): Promise<MemoryKillReport> {
  const told = new Map<number, Told>()
  const erased = new Map<number, Told>()
  let [next, lost, back, withoutMemories] = [0, 0, 0, 0]
  const where = memoryStore ? { memoryStore: memoryStore.url } : {}
  const start = (): Promise<ServerProcess> =>
    startFakeServer({ flags: { data: folder, ...FLAGS, ...where }, environment: { FAKE_APPEND: '1' } })
  const post = async ({ url }: ServerProcess, body: Json): Promise<Json> => {
    const headers = { 'content-type': 'application/json' }
    const request = { method: 'POST', headers, body: JSON.stringify({ max_output_tokens: 4, ...body }) }
    const answer = await fetch(`${url}/v1/responses`, request)
    return answer.status === 200 ? answer.json() : null
  }
  /** Until the server is gone. */
  const tell = async (server: ServerProcess): Promise<void> => {
    for (;;) {
      const number = next++
      // It reads nothing, so that no cascade but its own deletes it.
      const options = { prompt_cache_retention: '24h', mneme: { gates: { semantic: false } } }
      const response = await post(server, { input: inputOf(number), ...options })
      if (!response) continue
      const { written, unavailable } = response.usage.mneme.memory
      // It was answered without memories, and said so.
      if (unavailable === true) {
        withoutMemories++
        continue
      }
      const [memory] = written
      told.set(number, { number, response: response.id, memory })
      await post(server, { input: `What is my locker${number} code?` })
    }
  }
  const erase = async (server: ServerProcess): Promise<void> => {
    for (let at = 0; server.child.exitCode === null && server.child.signalCode === null; at++) {
      // Even ones stay.
      const odd = [...told.values()].filter(({ number }) => number % 2 === 1)
      const chosen = odd[Math.floor(Math.random() * odd.length)]
      if (!chosen) {
        await pause(5)
        continue
      }
      // While its answer is awaited nobody knows whether it is there.
      told.delete(chosen.number)
      const path = pathsOf(chosen)[at % 3]!
      const { status } = await fetch(`${server.url}/v1/${path}`, { method: 'DELETE' })
      if (status === 200) erased.set(chosen.number, chosen)
    }
  }
  const gone = (): undefined => undefined
  for (let i = 0; i < kills; i++) {
    const server = await start()
    const work = [...Array.from({ length: TELLERS }, () => tell(server)), erase(server)].map((one) => one.catch(gone))
    // A busy machine takes seconds for what an idle one does at once.
    const before = told.size + erased.size
    for (let waited = 0; waited < 100 && told.size + erased.size < before + 4; waited++) await pause(100)
    await pause(Math.random() * 600)
    server.child.kill('SIGKILL')
    await server.exited
    await Promise.all(work)
    back += secretsIn(folder).filter((number) => erased.has(number)).length
  }
  const before = disagreements(folder)
  const server = await start()
  try {
    const status = async (path: string): Promise<number> => (await fetch(`${server.url}/v1/${path}`)).status
    for (const { response, memory } of told.values())
      for (const path of [`responses/${response}`, `memories/${memory}`]) if ((await status(path)) !== 200) lost++
    for (const { response, memory } of erased.values())
      for (const path of [`responses/${response}`, `memories/${memory}`]) if ((await status(path)) !== 404) back++
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    const evicted = Number(/^mneme_episode_evictions_total (\d+)/m.exec(metrics)?.[1])
    const found = { query: 'the wind was howling around the house', limit: 100 }
    const entries = (await (await server.post('/v1/memories/search', found)).json()) as Json
    const members = await Promise.all(
      entries.data.map(async ({ id }: Json) => {
        const memory = (await (await fetch(`${server.url}/v1/memories/${id}`)).json()) as Json
        return memory.members
      }),
    )
    const grouped = members.reduce((sum: number, all: readonly unknown[]) => sum + all.length, 0)
    const there = new Set(await memoryStore?.secrets())
    back += [...erased.keys()].filter((number) => there.has(number)).length
    if (memoryStore) lost += [...told.keys()].filter((number) => !there.has(number)).length
    server.child.kill('SIGTERM')
    await server.exited
    const counts = { kills, told: told.size, erased: erased.size, evicted, grouped, withoutMemories, lost, back }
    return { ...counts, disagreements: [...before, ...disagreements(folder)] }
  } finally {
    server.child.kill('SIGKILL')
    await server.exited
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The numbers of all secrets in the files of a folder, as text or as tokens of the fake model. */
function secretsIn(folder: string): number[] {
  const asTokens = (text: string): string => text.replaceAll(/./g, '$&\0\0\0')
  const tokens = new RegExp(`${asTokens('secret')}((?:\\d\0\0\0)+)${asTokens('x')}`, 'g')
  return readdirSync(folder).flatMap((file) => {
    const bytes = readFileSync(join(folder, file)).toString('latin1').toLowerCase()
    const found = [...bytes.matchAll(/secret(\d+)x/g), ...bytes.matchAll(tokens)]
    return found.map(([, digits]) => Number(digits!.replaceAll('\0', '')))
  })
}
