/** Memories of a tenant: written with their vectors, and found by words and vectors. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { InputError } from '../embedding/embedders.ts'
import { askedBy } from './facts/asked-by.ts'
import type { Topic } from './facts/fact.ts'
import { topicOf } from './facts/noun-phrase.ts'
import type { EmbeddedText, MadeVector, Memory, MemoryChange, MemoryHit, MemoryQuery } from '../store/memory-calls.ts'

export const DEFAULT_NAMESPACE = 'default'
/** Milliseconds for the vectors of one turn's memories. */
const EMBED_MS = 60_000
/** Texts that are embedded together, and whose vectors are written in one transaction. */
const EMBEDDED_AT_ONCE = 32

/** What a new memory says, and where it belongs. */
export type NewMemory = Pick<Memory, 'namespace' | 'user' | 'text' | 'metadata' | 'expires'>

type MemoryDeps = Pick<Deps, 'store' | 'embedders' | 'metrics' | 'log' | 'now'>

/** Adds a memory; one with the same text, user and namespace is there already. */
export async function remember(
  deps: MemoryDeps,
  owner: string,
  given: NewMemory,
  signal: AbortSignal,
): Promise<{ memory: Memory; added: boolean }> {
  const made = await makeVector(deps, owner, given.text, signal)
  const now = deps.now()
  const origin = { source: null, fact: null, ended: null }
  const memory = { ...given, ...origin, id: newId('mem'), created: now, updated: now }
  const result = await deps.store.addMemory(owner, memory, made)
  deps.metrics.memoryWrites.inc({ result: result.added ? 'added' : 'known' })
  return result
}

/** Changes what is given of a memory. `unknown`: there is none; `taken`: another one says that already. */
export async function rewrite(
  deps: MemoryDeps,
  owner: string,
  id: string,
  given: Partial<Omit<MemoryChange, 'updated'>>,
  signal: AbortSignal,
): Promise<Memory | 'unknown' | 'taken'> {
  const before = await deps.store.findMemory(owner, id)
  if (!before) return 'unknown'
  const { text, metadata, expires } = { ...before, ...given }
  const made = text === before.text ? null : await makeVector(deps, owner, text, signal)
  const result = await deps.store.changeMemory(owner, id, { text, metadata, expires, updated: deps.now() }, made)
  if (typeof result === 'object') deps.metrics.memoryWrites.inc({ result: 'updated' })
  return result
}

/** Finds memories by the text and its vector, `known` where it was made already, and says by which embedder (null where only words were compared), and what the text asks about its user. */
export async function recall(
  deps: MemoryDeps,
  owner: string,
  asked: Omit<MemoryQuery, 'made' | 'topics'>,
  signal: AbortSignal,
  known?: MadeVector | null,
): Promise<{ hits: readonly MemoryHit[]; embedder: string | null; topics: readonly Topic[] }> {
  const began = performance.now()
  const made = known === undefined ? await makeVector(deps, owner, asked.text, signal) : known
  const topics = await askedOf(deps, owner, asked)
  const hits = await deps.store.searchMemories(owner, { ...asked, topics, made })
  deps.metrics.memorySearch.observe((performance.now() - began) / 1000)
  return { hits, embedder: made ? (deps.embedders[0]?.name ?? null) : null, topics }
}

/** "bus line": a message that is nothing but the name of what was told asks for it. */
const NAMES_ONLY = /^(?:\p{L}[\p{L}'-]* ){0,3}\p{L}[\p{L}'-]*[\s?.!]*$/u

async function askedOf(
  { store }: Pick<Deps, 'store'>,
  owner: string,
  { text, namespace, user }: Pick<MemoryQuery, 'text' | 'namespace' | 'user'>,
): Promise<readonly Topic[]> {
  const asked = askedBy(text)
  if (asked.length > 0 || !NAMES_ONLY.test(text.trim())) return asked
  const topic = topicOf(text)
  if (topic.attribute === '') return []
  const told = await store.factsOf(owner, {
    namespace,
    user: user === '' ? null : user,
    topics: [topic],
    ended: true,
    limit: 1,
  })
  return told.length > 0 ? [topic] : []
}

/**
 * Gives new memories their vectors, after the turn that told them: until then they are found by their words. `embedded`: a text
 * of the turn whose vector is there.
 */
export async function embedTold(
  deps: MemoryDeps,
  owner: string,
  told: readonly Memory[],
  embedded: EmbeddedText | null = null,
): Promise<void> {
  const signal = AbortSignal.timeout(EMBED_MS)
  try {
    for (let at = 0; at < told.length; at += EMBEDDED_AT_ONCE) {
      const some = told.slice(at, at + EMBEDDED_AT_ONCE)
      const vectorOf = async (text: string): Promise<MadeVector | null> =>
        embedded?.text === text ? embedded.made : makeVector(deps, owner, text, signal)
      const vectors = await Promise.all(some.map(({ text }) => vectorOf(text)))
      const write = async ({ id, text }: Memory, made: MadeVector | null | undefined): Promise<unknown> =>
        made && deps.store.embedMemory(owner, id, text, made)
      await Promise.all(some.map((memory, i) => write(memory, vectors[i])))
    }
  } catch (error) {
    deps.log.warn({ err: error }, 'memories of a turn have no vectors; they get them at the next start')
  }
}

/** The same for what its user wrote as a whole. */
export async function embedTurn(deps: MemoryDeps, owner: string, response: string, text: string): Promise<void> {
  try {
    const made = await makeVector(deps, owner, text, AbortSignal.timeout(EMBED_MS))
    if (made) await deps.store.embedEpisode(owner, response, made)
  } catch (error) {
    deps.log.warn({ err: error }, 'a turn has no vector; it gets one at the next start')
  }
}

/** Gives a vector to all memories that have none of the embedder: they were written without it, or with another one. */
export async function embedPending(deps: MemoryDeps, signal: AbortSignal): Promise<void> {
  const [embedder] = deps.embedders
  if (!embedder) return
  const failed = new Set<string>()
  for (;;) {
    const all = await deps.store.unembeddedMemories(embedder.bundle, 64 + failed.size)
    const pending = all.filter(({ id }) => !failed.has(id))
    if (pending.length === 0 || signal.aborted) return
    for (const { owner, id, text } of pending) {
      const made = await makeVector(deps, owner, text, signal)
      if (!made || !(await deps.store.embedMemory(owner, id, text, made))) failed.add(id)
    }
  }
}

/**
 * The vector of a text by the first embedder, of its beginning where it is longer than that reads; null where there is none.
 * A memory is not lost for want of a vector.
 */
export async function makeVector(
  { embedders: [embedder], log }: MemoryDeps,
  owner: string,
  text: string,
  signal: AbortSignal,
): Promise<MadeVector | null> {
  if (!embedder) return null
  try {
    const { vectors } = await embedder.embed([text], { owner, keep: embedder.maxTokens, signal })
    return { embedder: embedder.bundle, vector: vectors[0]! }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof InputError))
      log.warn({ err: error }, 'a text has no vector; it is compared by its words only')
    return null
  }
}
