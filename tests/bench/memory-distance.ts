/**
 * Facts told in free text, asked after many other turns: what the search finds and what the critic's policy `quote` serves in
 * place of a reply that says nothing. Store, rules, embedder and critic as in a server, without a model and without HTTP, so that
 * 10,000 turns take minutes.
 *   npx tsx tests/bench/memory-distance.ts [--distances 10,100,1000,10000] [--cases 15] [--seeds 1,2,3] [--part train]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { loadBundle } from '../../runtime/bundle.ts'
import { openEmbedder } from '../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import { recalled } from '../../server/critic/recalled.ts'
import { askedBy } from '../../server/memory/facts/asked-by.ts'
import { memoriesOfTurn } from '../../server/memory/told.ts'
import { startStore } from '../../server/store/start.ts'
import type { MadeVector, Memory, MemoryHit } from '../../server/store/memory-calls.ts'
import { percent, shareOf } from '../../trainer/evaluate/interval.ts'
import { drawCases, kinds, type MemoryCase } from '../../trainer/evaluate/memory/case.ts'
import { fillerOf } from '../../trainer/evaluate/memory/history.ts'
import { judge, type Judged } from '../../trainer/evaluate/memory/judge.ts'
import { Random } from '../../trainer/random.ts'

const { values } = parseArgs({
  options: {
    distances: { type: 'string', default: '10,100,1000,10000' },
    cases: { type: 'string', default: '15' },
    seeds: { type: 'string', default: '1,2,3' },
    part: { type: 'string', default: 'train' },
  },
})
const part = values.part === 'heldout' ? 'heldout' : 'train'
const OWNER = 'bench'
const PLACE = { namespace: 'default', user: 'ann' }
const USE = { ...PLACE, read: true, write: true, pin: false, gate: null }
const TURNS = 10
const MODES = ['words', 'words and meaning'] as const
type Mode = (typeof MODES)[number]

const embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
const vectorOf = async (text: string): Promise<MadeVector> => {
  const [vector] = await embedder.embed([embedder.encode(text)])
  return { embedder: 'bundled', vector: vector! }
}

class History {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mneme-distance-'))
  readonly #store = startStore({
    folder: this.#folder,
    keepStates: 8,
    replayTokens: 2048,
    stateBytes: Infinity,
    prefixBytes: 0,
  })
  #turns = 0

  async say(message: string): Promise<readonly Memory[]> {
    const conversation = `conversation-${Math.floor(this.#turns / TURNS)}`
    const origin = { response: `turn-${this.#turns++}`, conversation }
    const { told, written } = await memoriesOfTurn({ store: this.#store, now: Date.now }, OWNER, USE, message, origin)
    await this.#store.tellMemories(OWNER, told)
    for (const { id, text } of written) await this.#store.embedMemory(OWNER, id, text, await vectorOf(text))
    return written
  }

  async remove(memories: readonly Memory[]): Promise<void> {
    for (const { id } of memories)
      await this.#store.erase(OWNER, { kind: 'memory', id }, { source: false, cascade: false, force: false })
  }

  async ask(one: MemoryCase, mode: Mode): Promise<Judged> {
    const made = mode === 'words' ? null : await vectorOf(one.asks)
    const asked = askedBy(one.asks)
    const query = { ...PLACE, topics: asked, ended: false, metadata: {}, text: one.asks, made, limit: 16 }
    const found = await this.#store.searchMemories(OWNER, query)
    const kept = await this.#store.factsOf(OWNER, { ...PLACE, topics: null, ended: true, limit: 1000 })
    const text = answerOf(one.asks, found, kept, asked)
    const texts = found.slice(0, 10).map(({ memory }) => memory.text)
    return judge(one, texts, texts.slice(0, 6), { text })
  }

  async close(): Promise<void> {
    await this.#store.close()
    rmSync(this.#folder, { recursive: true })
  }
}

function answerOf(
  question: string,
  found: readonly MemoryHit[],
  kept: readonly Memory[],
  asked: ReturnType<typeof askedBy>,
): string {
  const all = [...new Map([...found.map(({ memory }) => memory), ...kept].map((one) => [one.id, one])).values()]
  const facts = all
    .toSorted((a, b) => a.created - b.created)
    .flatMap(({ id, text, fact, ended }) => (fact ? [{ ...fact, id, text, holds: ended === null }] : []))
  const decision = recalled(question, 'I see.', [], { asked, found, facts, heard: [] }, false)
  return decision?.action === 'replace' ? decision.text : 'I see.'
}

const distances = values.distances.split(',').map(Number)
const results = new Map<string, Judged[]>()
for (const seed of values.seeds.split(',')) {
  const random = new Random(`distance ${part} ${seed}`)
  const cases = drawCases(random, kinds, Number(values.cases), part)
  const history = new History()
  for (let round = 0; round < Math.max(...cases.map(({ tells }) => tells.length)); round++)
    for (const { kind, tells } of cases) {
      const message = tells[round]
      const written = message === undefined ? [] : await history.say(message)
      if (kind === 'deleted') await history.remove(written)
    }
  let turns = 0
  for (const distance of distances) {
    for (; turns < distance; turns++) await history.say(fillerOf(random, part))
    for (const one of cases)
      for (const mode of MODES) {
        const key = `${mode}\t${distance}\t${one.kind}`
        results.set(key, [...(results.get(key) ?? []), await history.ask(one, mode)])
      }
    console.error(`seed ${seed}: ${distance} turns`)
  }
  await history.close()
}
embedder.close()

const shown = (right: number, of: number): string => {
  const { share, interval } = shareOf(right, of)
  return of === 0 ? '' : `${percent(share)} % (${percent(interval[0])} to ${percent(interval[1])})`
}
for (const mode of MODES) {
  console.log(
    `\n${mode}\n\n| | turns between | found @1 | found @10 | answered | stale | questions |\n|---|---|---|---|---|---|---|`,
  )
  for (const kind of [...kinds, 'all'])
    for (const distance of distances) {
      const these = kinds
        .filter((one) => kind === 'all' || one === kind)
        .flatMap((one) => results.get(`${mode}\t${distance}\t${one}`) ?? [])
      const ranked = these.flatMap(({ rank }) => rank ?? [])
      const at = (most: number): string =>
        shown(ranked.filter((rank) => rank >= 1 && rank <= most).length, ranked.length)
      const answered = shown(these.filter(({ isRight }) => isRight).length, these.length)
      const stale = these.filter(({ isStale }) => isStale).length
      console.log(`| ${kind} | ${distance} | ${at(1)} | ${at(10)} | ${answered} | ${stale} | ${these.length} |`)
    }
}
