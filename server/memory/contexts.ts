/** What the memories that were found lean on, and the ones that lean on them. */
import type { Deps } from '../deps.ts'
import type { Memory, MemoryHit } from '../store/memory-calls.ts'
import type { Whose } from './neighbours.ts'
import { contextOf, leans, LOOKED_BACK, READ_BEFORE, textBefore, type Context } from './recall/leaning.ts'

/** By the id of a memory. */
export type Contexts = ReadonlyMap<string, Context>

/** The best hits that are looked at, those after which is looked, and how far. */
const [MOST, BEST, NEXT] = [32, 2, 3]
/** Where each turn is a conversation of its own, as in chat completions, what was told within so many milliseconds belongs together. */
const SOON_MS = 600_000

/** Memories told before or after one in the same conversation, nearest first. */
async function toldBeside(
  { store }: Pick<Deps, 'store'>,
  owner: string,
  { namespace, user }: Whose,
  { id, text, source, created }: Memory,
  order: 'asc' | 'desc',
  limit: number,
): Promise<Memory[]> {
  const all = await store.listMemories(owner, { namespace, user: user ?? '', limit, after: id, order })
  const isAlone = source?.conversation === source?.response
  const isSoon = (one: Memory): boolean => isAlone && Math.abs(one.created - created) < SOON_MS
  const isNear = (one: Memory): boolean =>
    one.source !== null && one.text !== text && (one.source.conversation === source?.conversation || isSoon(one))
  return all.filter(isNear)
}

/** What a reader reads before each of these, by their ids. */
export async function toldBefore(
  deps: Pick<Deps, 'store'>,
  owner: string,
  whose: Whose,
  hits: readonly MemoryHit[],
  contexts: Contexts,
): Promise<ReadonlyMap<string, string>> {
  const found = hits.map(async ({ memory }): Promise<[string, string]> => {
    const { id, source } = memory
    const beside = source === null ? [] : await toldBeside(deps, owner, whose, memory, 'desc', 2 * READ_BEFORE)
    const inMessage = beside.filter((one) => one.source?.response === source?.response).map(({ text }) => text)
    return [id, textBefore(inMessage, contexts.get(id) ?? null)]
  })
  return new Map(await Promise.all(found))
}

/** What was found, with what leans on the best of it, and what each of these leans on. */
export async function inContext(
  deps: Pick<Deps, 'store'>,
  owner: string,
  whose: Whose,
  found: readonly MemoryHit[],
): Promise<{ readonly hits: readonly MemoryHit[]; readonly contexts: Contexts }> {
  const after = await leaningAfter(deps, owner, whose, found)
  const contexts = await contextsOf(deps, owner, whose, [...found.slice(0, MOST), ...after])
  return { hits: [...found, ...after], contexts }
}

/** What each of these leans on. */
async function contextsOf(
  deps: Pick<Deps, 'store'>,
  owner: string,
  whose: Whose,
  hits: readonly MemoryHit[],
): Promise<Contexts> {
  const leaning = hits.map(({ memory }) => memory).filter(({ text, source }) => source !== null && leans(text))
  const found = leaning.map(async (memory): Promise<[string, Context][]> => {
    const before = await toldBeside(deps, owner, whose, memory, 'desc', 2 * LOOKED_BACK)
    const context = contextOf(memory.text, [...new Set(before.map(({ text }) => text))])
    return context ? [[memory.id, context]] : []
  })
  return new Map((await Promise.all(found)).flat())
}

/** What was told right after the best hits and leans on them: its own words may be none of those that were searched for. */
async function leaningAfter(
  deps: Pick<Deps, 'store'>,
  owner: string,
  whose: Whose,
  hits: readonly MemoryHit[],
): Promise<MemoryHit[]> {
  const best = hits.slice(0, BEST).filter(({ memory }) => memory.source !== null)
  const after = await Promise.all(best.map(({ memory }) => toldBeside(deps, owner, whose, memory, 'asc', NEXT)))
  const known = new Set(hits.map(({ memory }) => memory.id))
  const fresh = after.flat().filter(({ id, text, ended }) => ended === null && !known.has(id) && leans(text))
  const least = hits.at(-1)?.score ?? 0
  return [...new Map(fresh.map((memory) => [memory.id, memory])).values()].map((memory) => {
    return { memory, score: least, topic: null, words: null, similarity: null }
  })
}
