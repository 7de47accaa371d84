/** Deletions where memories are in PostgreSQL and turns in the data folder: both have erased when it is answered. */
import type { EraseOptions, EraseTarget, Receipt } from '../erase-calls.ts'
import type { Store } from '../store.ts'
import type { Connection, Query } from './connection.ts'
import type { OutboxWorker } from './outbox-worker.ts'
import { chosen } from './read.ts'
import { bytes } from './rows.ts'

type Turns = Pick<Store, 'turnsMeant' | 'turnsAround' | 'eraseTurns'>

/** What goes, and what stays that may still say it; as in server/store/erase.ts. */
interface Extent {
  readonly memories: Set<string>
  readonly responses: Set<string>
  readonly repeatedBy: Set<string>
  readonly sources: Set<string>
}

export async function eraseBoth(
  store: Turns,
  connection: Connection,
  outbox: OutboxWorker,
  owner: string,
  target: EraseTarget,
  options: EraseOptions,
): Promise<Receipt | 'unknown' | { readonly needed: readonly string[] }> {
  await outbox.flush()
  const extent = await extentOf(store, connection, owner, target, options)
  if (!extent) return 'unknown'
  const how = { forever: options.cascade || target.kind === 'conversation', force: options.force }
  const ids = { memories: [...extent.memories], responses: [...extent.responses] }
  const erased = await store.eraseTurns(owner, ids, how)
  if ('needed' in erased) return erased
  outbox.added()
  await outbox.flush()
  const rows = outbox.droppedOf(ids.memories) ?? { words: 0, vectors: 0, history: 0, uses: 0, readBy: [] }
  // A turn that was stored since the extent was looked for.
  const { there: late } = await store.turnsAround(
    owner,
    rows.readBy.filter((id) => !extent.responses.has(id) && !extent.repeatedBy.has(id)),
  )
  if (options.cascade && late.length > 0) {
    for (const id of late) extent.responses.add(id)
    await store.eraseTurns(owner, { memories: [], responses: late }, { ...how, force: true })
    outbox.added()
    await outbox.flush()
  } else for (const id of late) extent.repeatedBy.add(id)
  const { index, ...receipt } = erased
  const sum = {
    words: index.words + rows.words,
    vectors: index.vectors + rows.vectors,
    history: index.history + rows.history,
    uses: index.uses + rows.uses,
  }
  const kept = (all: ReadonlySet<string>): string[] => [...all].filter((id) => !extent.responses.has(id))
  const [repeatedBy, sources] = [kept(extent.repeatedBy), kept(extent.sources)]
  const stays = { repeatedBy, sources, followedBy: [...(await followedBy(store, owner, extent, repeatedBy, sources))] }
  return { ...receipt, memoryStore: 'postgresql', index: sum, responses: [...extent.responses], ...stays }
}

async function extentOf(
  store: Turns,
  connection: Connection,
  owner: string,
  target: EraseTarget,
  { source, cascade }: EraseOptions,
): Promise<(Extent & { readonly followers: Set<string> }) | null> {
  const isTurn = target.kind === 'response' || target.kind === 'conversation'
  const filter = target.kind === 'memories' ? target.filter : { namespace: null, user: null }
  const id = target.kind === 'memory' ? target.id : null
  const memories = isTurn ? [] : await connection.transaction((query) => chosen(query, owner, filter, id))
  if (target.kind === 'memory' && memories.length === 0) return null
  // Turns that told nothing are a user's too.
  const meant = isTurn || (source && target.kind === 'memories') ? await store.turnsMeant(owner, target) : []
  if (meant === null) return null
  const extent = {
    memories: new Set(memories),
    responses: new Set(meant),
    repeatedBy: new Set<string>(),
    sources: new Set<string>(),
    followers: new Set<string>(),
  }
  const looked = new Set<string>()
  for (;;) {
    const fresh = (all: Iterable<string>): string[] => [...all].filter((one) => !looked.has(one))
    const [ids, responses] = [fresh(extent.memories), fresh(extent.responses)]
    if (ids.length + responses.length === 0) return extent
    for (const one of [...ids, ...responses]) looked.add(one)
    const found = await connection.transaction((query) => lookAround(query, owner, ids, responses))
    for (const one of found.taken) extent.memories.add(one)
    for (const one of (await store.turnsAround(owner, found.usedBy)).there)
      (cascade ? extent.responses : extent.repeatedBy).add(one)
    for (const one of (await store.turnsAround(owner, found.sources)).there)
      (source ? extent.responses : extent.sources).add(one)
    const { after } = await store.turnsAround(owner, responses)
    for (const one of after) (cascade ? extent.responses : extent.followers).add(one)
  }
}

/** The turns that stay and follow from what goes, or from what stays and may say it. */
async function followedBy(
  store: Turns,
  owner: string,
  { responses, followers }: Extent & { readonly followers?: ReadonlySet<string> },
  repeatedBy: readonly string[],
  sources: readonly string[],
): Promise<Set<string>> {
  const { after } = await store.turnsAround(owner, [...repeatedBy, ...sources])
  const found = new Set([...(followers ?? []), ...after].filter((id) => !responses.has(id)))
  for (const id of [...repeatedBy, ...sources]) found.delete(id)
  return found
}

async function lookAround(query: Query, owner: string, ids: readonly string[], responses: readonly string[]) {
  const from = 'FROM mneme_memory AS memory JOIN mneme_scope AS scope ON scope.scope = memory.scope'
  const key = bytes(owner)
  const taken = await query<{ id: string }>(`SELECT id ${from} WHERE owner = $1 AND source = ANY($2)`, [key, responses])
  const uses = await query<{ response: string }>(
    `SELECT DISTINCT response ${from} JOIN mneme_use AS used ON used.seq = memory.seq WHERE owner = $1 AND id = ANY($2)`,
    [key, ids],
  )
  const sources = await query<{ source: string }>(
    `SELECT DISTINCT source ${from} WHERE owner = $1 AND id = ANY($2) AND source IS NOT NULL`,
    [key, ids],
  )
  return {
    taken: taken.rows.map(({ id }) => id),
    usedBy: uses.rows.map(({ response }) => response),
    sources: sources.rows.map(({ source }) => source),
  }
}
