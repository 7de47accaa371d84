/** Servers that are killed while memories are told, consolidated, evicted and erased, and what has to hold afterwards. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { disagreements } from './folder-check.ts'
import { lettersOf } from './letters-embedder.ts'
import { startFakeServer, type ServerProcess } from './process.ts'
import type { Json } from './test-server.ts'

export interface MemoryKillReport {
  readonly kills: number
  readonly told: number
  readonly erased: number
  readonly evicted: number
  readonly grouped: number
  /** Kills while an index of vectors was being made, and with one that was whole. */
  readonly building: number
  readonly indexed: number
  /** Turns that were answered without memories because their store could not be reached. */
  readonly withoutMemories: number
  /** Acknowledged turns, or what was taken from them, that are not there. */
  readonly lost: number
  /** Acknowledged deletions of which a response, a memory, or bytes of a text or a vector are there. */
  readonly back: number
  /** Memories that a search for their own text does not find by their vector. */
  readonly unfound: number
  /** Tables of the data folder that do not agree, in sentences. */
  readonly disagreements: readonly string[]
}

interface Told {
  readonly number: number
  readonly response: string
  readonly memory: string
}

/** Few episodes, so that turns are evicted; states are pruned and rebuilt, and so are indexes of vectors. */
const FLAGS = { memories: 'on', memoryEntries: 4, keepStates: 2, vectorIndexThreshold: 12 }
const ENVIRONMENT = { FAKE_APPEND: '1', FAKE_EMBEDDER: '1', FAKE_INDEX_PAUSE_MS: '50' }
/** Of a vector that are looked for in files. */
const TRACE_BYTES = 32
/** So many of the memories are searched for in the end. */
const SEARCHED = 100
/** Within so long all memories have vectors again. */
const EMBEDDED_MS = 30_000
/** Of a text with itself, but for rounding. */
const OWN_SIMILARITY = 0.999
const TELLERS = 3
const BEFORE = ['The', 'Well, the', 'Really, the', 'Ok, the', 'Oh, the', 'So the']
const BEHIND = ['', ' very much', ' too', ' also', ' a lot', ' quite a lot']

/** A value that nothing else has, and one of 36 sentences that say the same. */
const inputOf = (number: number): string => {
  const [before, behind] = [BEFORE[number % 6], BEHIND[Math.floor(number / 6) % 6]]
  return `${factOf(number)} ${before} wind was howling around the house${behind}.`
}
const factOf = (number: number): string => `My locker${number} code is secret${number}x.`

const pathsOf = ({ response, memory }: Told): readonly string[] => [
  `responses/${response}?cascade=true`,
  `memories/${memory}?source=true&cascade=true`,
  `conversations/${response}?cascade=true`,
]

export interface KillOptions {
  /** An empty database for memories, and the numbers of all secrets in it. */
  readonly memoryStore?: { readonly url: string; secrets(): Promise<readonly number[]> }
  /** Told of each kill. */
  readonly onKill?: (
    counts: Pick<MemoryKillReport, 'kills' | 'told' | 'erased' | 'back' | 'building' | 'indexed'>,
  ) => void
  /** Ends it before all kills were made: what was done until then is looked at. */
  readonly signal?: AbortSignal
}

/** Kills a server on the empty `folder` so many times at random moments. */
export async function killWhileForgetting(
  most: number,
  folder: string,
  { memoryStore, onKill, signal }: KillOptions = {},
): Promise<MemoryKillReport> {
  const told = new Map<number, Told>()
  const erased = new Map<number, Told>()
  let [kills, next, lost, back, withoutMemories, building, indexed] = [0, 0, 0, 0, 0, 0, 0]
  /** Erased since the last kill. */
  let fresh: number[] = []
  const where = memoryStore ? { memoryStore: memoryStore.url } : {}
  const start = (): Promise<ServerProcess> =>
    startFakeServer({ flags: { data: folder, ...FLAGS, ...where }, environment: ENVIRONMENT })
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
      if (status !== 200) continue
      erased.set(chosen.number, chosen)
      fresh.push(chosen.number)
    }
  }
  const gone = (): undefined => undefined
  while (kills < most) {
    if (signal?.aborted) break
    const server = await start()
    const work = [...Array.from({ length: TELLERS }, () => tell(server)), erase(server)].map((one) => one.catch(gone))
    // A busy machine takes seconds for what an idle one does at once.
    const before = told.size + erased.size
    for (let waited = 0; waited < 100 && told.size + erased.size < before + 4; waited++) await pause(100)
    await pause(Math.random() * 600)
    server.child.kill('SIGKILL')
    await server.exited
    kills++
    const files = readdirSync(folder)
    if (files.some((file) => file.endsWith('.new'))) building++
    if (files.some((file) => file.endsWith('.rows'))) indexed++
    await Promise.all(work)
    back += secretsIn(folder).filter((number) => erased.has(number)).length + vectorsIn(folder, fresh)
    fresh = []
    onKill?.({ kills, told: told.size, erased: erased.size, back, building, indexed })
  }
  back += vectorsIn(folder, [...erased.keys()])
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
    const unfound = await unfoundOf(server, [...told.values()].slice(-SEARCHED))
    const there = new Set(await memoryStore?.secrets())
    back += [...erased.keys()].filter((number) => there.has(number)).length
    if (memoryStore) lost += [...told.keys()].filter((number) => !there.has(number)).length
    server.child.kill('SIGTERM')
    await server.exited
    if (vectorsIn(folder, [...told.keys()]) === 0)
      throw new Error(`expected bytes of vectors of ${told.size} memories that are there, found none`)
    const counts = { kills, told: told.size, erased: erased.size, evicted, grouped, building, indexed, withoutMemories }
    return { ...counts, lost, back, unfound, disagreements: [...before, ...disagreements(folder)] }
  } finally {
    server.child.kill('SIGKILL')
    await server.exited
  }
}

/** For a bench: prints a line for each kill, and ends with the first SIGINT or SIGTERM. */
export function whileItRuns(): Required<Pick<KillOptions, 'onKill' | 'signal'>> {
  const ending = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ending.abort())
  return { onKill: (counts) => console.log(JSON.stringify(counts)), signal: ending.signal }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** How many memories are not found by their own vector. Those that were killed before they had one get it after the start. */
async function unfoundOf({ url, post }: ServerProcess, told: readonly Told[]): Promise<number> {
  const isFound = async ({ number, memory }: Told): Promise<boolean> => {
    const answer = await post('/v1/memories/search', { query: factOf(number), limit: 10 })
    const { data } = (await answer.json()) as Json
    return data.find(({ id }: Json) => id === memory)?.similarity > OWN_SIMILARITY
  }
  let left = [...told]
  for (const until = Date.now() + EMBEDDED_MS; left.length > 0 && Date.now() < until; await pause(200)) {
    const found = await Promise.all(left.map(isFound))
    left = left.filter((_, at) => !found[at])
  }
  const { vectorIndex } = (await (await fetch(`${url}/version`)).json()) as Json
  if (vectorIndex.failures > 0) throw new Error(`the index failed: ${JSON.stringify(vectorIndex)}`)
  return left.length
}

/** Of how many of these secrets bytes of a vector, the memory's or the turn's, are in the files of a folder. */
function vectorsIn(folder: string, numbers: readonly number[]): number {
  const files = readdirSync(folder).map((file) => readFileSync(join(folder, file)))
  const isThere = (text: string): boolean => {
    const trace = Buffer.from(lettersOf(text).buffer, 0, TRACE_BYTES)
    return files.some((bytes) => bytes.includes(trace))
  }
  return numbers.filter((number) => isThere(factOf(number)) || isThere(inputOf(number))).length
}

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
