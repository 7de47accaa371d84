/** The one path of deletion: which rows carry what is to be deleted, and that they go in one transaction. */
import type Database from 'libsql'
import type { EraseCalls, EraseOptions, EraseTarget, Receipt } from './erase-calls.ts'
import type { Episodes } from './episodes.ts'
import type { DroppedMemory, Memories } from './memories.ts'
import type { OutboxCalls } from './outbox-calls.ts'
import type { Outbox } from './outbox.ts'
import type { DroppedState } from './states.ts'
import { bytesOf, type Blob } from './turn-row.ts'

/** Ids that were deleted are remembered for so long: a turn that was being made meanwhile must not bring them back. */
const IN_FLIGHT_MS = 60 * 60 * 1000

export interface Eraser extends EraseCalls, Pick<OutboxCalls, 'turnsMeant' | 'turnsAround' | 'eraseTurns'> {
  /** Whether it was deleted while a turn that began before may still be on its way. */
  wasErased(id: string): boolean
}

/** What goes, and what stays that may still say it. */
interface Extent {
  /** Ids by `seq`. */
  readonly memories: Map<number, string>
  readonly responses: Set<string>
  /** Ids by `seq`. */
  readonly alike: Map<number, string>
  readonly repeatedBy: Set<string>
  readonly sources: Set<string>
  readonly followedBy: Set<string>
}

export function createEraser(
  database: Database.Database,
  { memories, episodes }: { memories: Pick<Memories, 'chosen' | 'drop'>; episodes: Pick<Episodes, 'responsesOf'> },
  dropTurn: (id: string) => DroppedState,
  outbox: Outbox | null,
): Eraser {
  const sql = prepare(database)
  const erased = new Map<string, number>()
  const ids = (statement: Database.Statement, ...values: (string | number)[]): string[] =>
    (statement.all(...values) as { id: Blob }[]).map(({ id }) => text(id))

  /** Memories that are one entry of a search with one of these. */
  const alikeTo = (owner: string, chosen: ReadonlyMap<number, string>): Map<number, string> => {
    const rows = [...chosen.keys()].flatMap((seq) => sql.alike.all(owner, seq, seq, seq) as { seq: number; id: Blob }[])
    return new Map(rows.map(({ seq, id }) => [seq, text(id)]))
  }

  /** What the target itself is; null: there is no such thing. */
  const begin = (
    owner: string,
    target: EraseTarget,
    source: boolean,
  ): Pick<Extent, 'memories' | 'responses'> | null => {
    if (target.kind === 'response' || target.kind === 'conversation') {
      const found = ids(target.kind === 'response' ? sql.response : sql.conversation, owner, target.id)
      return found.length === 0 ? null : { memories: new Map(), responses: new Set(found) }
    }
    const chosen = memories.chosen(owner, target)
    if (target.kind === 'memory' && chosen.length === 0) return null
    // Turns that told nothing are a user's too.
    const said = source && target.kind === 'memories' ? episodes.responsesOf(owner, target.filter) : []
    return { memories: new Map(chosen.map(({ seq, id }) => [seq, id])), responses: new Set(said) }
  }

  /** Follows what the target carries along, until nothing is added. */
  const extentOf = (owner: string, target: EraseTarget, { source, cascade }: EraseOptions): Extent | null => {
    const begun = begin(owner, target, source)
    if (!begun) return null
    const alike = alikeTo(owner, begun.memories)
    if (cascade) for (const [seq, id] of alike) begun.memories.set(seq, id)
    const extent = {
      ...begun,
      alike,
      repeatedBy: new Set<string>(),
      sources: new Set<string>(),
      followedBy: new Set<string>(),
    }
    const looked = new Set<number | string>()
    const fresh = <T extends number | string>(all: Iterable<T>): T[] => [...all].filter((one) => !looked.has(one))
    for (;;) {
      const [seqs, responses] = [fresh(extent.memories.keys()), fresh(extent.responses)]
      for (const one of [...seqs, ...responses]) looked.add(one)
      for (const id of responses)
        for (const { seq, id: memory } of sql.taken.all(owner, id) as { seq: number; id: Blob }[])
          extent.memories.set(seq, text(memory))
      for (const seq of seqs) {
        for (const id of ids(sql.usedBy, owner, seq)) (cascade ? extent.responses : extent.repeatedBy).add(id)
        for (const id of ids(sql.sourceOf, owner, seq)) (source ? extent.responses : extent.sources).add(id)
      }
      if (cascade)
        for (const id of responses) for (const one of ids(sql.followers, id, owner)) extent.responses.add(one)
      if (fresh(extent.memories.keys()).length + fresh(extent.responses).length === 0) break
    }
    const kept = (all: Iterable<string>): Set<string> => new Set([...all].filter((id) => !extent.responses.has(id)))
    const [repeatedBy, sources] = [kept(extent.repeatedBy), kept(extent.sources)]
    const carrying = [...extent.responses, ...repeatedBy, ...sources]
    const followedBy = kept(carrying.flatMap((id) => ids(sql.followers, id, owner)))
    for (const id of [...repeatedBy, ...sources]) followedBy.delete(id)
    for (const seq of extent.memories.keys()) alike.delete(seq)
    return { ...extent, repeatedBy, sources, followedBy }
  }

  const remember = (gone: Iterable<string>): void => {
    const now = Date.now()
    // In the order of their deletion.
    for (const [id, time] of erased) {
      if (time > now - IN_FLIGHT_MS) break
      erased.delete(id)
    }
    for (const id of gone) erased.set(id, now)
  }

  return {
    // A deletion that was rolled back, on a full disk, has deleted nothing.
    wasErased: (id) => erased.has(id) && sql.exists.get(id, id) === undefined,
    turnsMeant: (owner, target) => {
      const begun = begin(owner, target, true)
      return begun && [...begun.responses]
    },
    turnsAround(owner, responses) {
      const there = responses.filter((id) => sql.isThere.get(owner, id) !== undefined)
      return { there, after: there.flatMap((id) => ids(sql.followers, id, owner)) }
    },
    eraseTurns(owner, { memories: elsewhere, responses }, { forever, force }) {
      const needed = responses.flatMap((id) => ids(sql.dependants, id)).filter((id) => !responses.includes(id))
      if (needed.length > 0 && !force) return { needed: [...new Set(needed)] }
      // From before memories were in another store.
      const here = responses.flatMap((id) => sql.taken.all(owner, id) as { seq: number; id: Blob }[])
      const dropped = here.map(({ seq }) => memories.drop(seq))
      const states = responses.map((id) => dropTurn(id))
      if (elsewhere.length + responses.length > 0) outbox?.add(owner, { kind: 'erase', memories: elsewhere, responses })
      const gone = [...elsewhere, ...here.map(({ id }) => text(id))]
      remember(forever ? [...gone, ...responses] : gone)
      const stays = { alike: [], repeatedBy: [], sources: [], followedBy: [] }
      return { memories: gone, responses, ...countRows(dropped, states), ...stays }
    },
    erase(owner, target, options) {
      const extent = extentOf(owner, target, options)
      if (!extent) return 'unknown'
      const { responses } = extent
      const needed = [...responses].flatMap((id) => ids(sql.dependants, id)).filter((id) => !responses.has(id))
      if (needed.length > 0 && !options.force) return { needed }
      const dropped = [...extent.memories.keys()].map((seq) => memories.drop(seq))
      const states = [...responses].map((id) => dropTurn(id))
      remember(extent.memories.values())
      // A turn on a response that was deleted alone is stored: what stands before it in the conversation stays its own.
      if (options.cascade || target.kind === 'conversation') remember(responses)
      return receiptOf(extent, dropped, states)
    },
  }
}

function countRows(
  dropped: readonly DroppedMemory[],
  states: readonly DroppedState[],
): Pick<Receipt, 'index' | 'states' | 'pages'> {
  const sum = <K extends string>(rows: readonly Readonly<Record<K, number>>[], name: K): number =>
    rows.reduce((total, row) => total + row[name], 0)
  return {
    index: {
      words: sum(dropped, 'words'),
      vectors: sum(dropped, 'vectors'),
      history: sum(dropped, 'history'),
      uses: sum(dropped, 'uses'),
    },
    states: sum(states, 'states'),
    pages: sum(states, 'pages'),
  }
}

function receiptOf(extent: Extent, dropped: readonly DroppedMemory[], states: readonly DroppedState[]): Receipt {
  return {
    memories: [...extent.memories.values()],
    responses: [...extent.responses],
    ...countRows(dropped, states),
    alike: [...extent.alike.values()],
    repeatedBy: [...extent.repeatedBy],
    sources: [...extent.sources],
    followedBy: [...extent.followedBy],
  }
}

function text(blob: Blob): string {
  return Buffer.from(bytesOf(blob)).toString()
}

/** Turns that start afresh (store.ts) have only tokens of their own: 4 bytes each. */
export const CONTINUES = 'position > length(prompt) / 4 + max(length(generated) / 4 - 1, 0)'

/** Responses that continue one and have no state of their own: they can only be rebuilt through it. */
const DEPENDANTS = `SELECT CAST(id AS BLOB) AS id FROM response
  WHERE parent = ? AND ${CONTINUES} AND NOT EXISTS (SELECT 1 FROM state WHERE state.id = response.id)`

function prepare(database: Database.Database) {
  return {
    response: database.prepare('SELECT CAST(id AS BLOB) AS id FROM response WHERE owner = ? AND id = ?'),
    isThere: database.prepare('SELECT 1 AS found FROM response WHERE owner = ? AND id = ?'),
    conversation: database.prepare('SELECT CAST(id AS BLOB) AS id FROM response WHERE owner = ? AND root = ?'),
    exists: database.prepare('SELECT 1 FROM memory WHERE id = ? UNION ALL SELECT 1 FROM response WHERE id = ?'),
    dependants: database.prepare(DEPENDANTS),
    followers: database.prepare(`WITH RECURSIVE after (id) AS (
        SELECT id FROM response WHERE parent = ? AND ${CONTINUES}
        UNION SELECT response.id FROM response JOIN after ON response.parent = after.id WHERE ${CONTINUES}
      ) SELECT CAST(response.id AS BLOB) AS id FROM response JOIN after ON response.id = after.id WHERE owner = ?`),
    alike: database.prepare(`SELECT seq, CAST(id AS BLOB) AS id FROM memory
      JOIN memory_scope ON memory_scope.scope = memory.scope WHERE owner = ? AND seq IN (
        SELECT medoid FROM memory_group WHERE member = ?
        UNION SELECT member FROM memory_group WHERE medoid = ?
        UNION SELECT member FROM memory_group WHERE medoid = (SELECT medoid FROM memory_group WHERE member = ?))`),
    taken: database.prepare(`SELECT seq, CAST(id AS BLOB) AS id FROM memory
      JOIN memory_scope ON memory_scope.scope = memory.scope WHERE owner = ? AND source = ?`),
    usedBy: database.prepare(`SELECT CAST(response.id AS BLOB) AS id FROM memory_use
      JOIN response ON response.id = memory_use.response WHERE response.owner = ? AND memory_use.memory = ?`),
    sourceOf: database.prepare(`SELECT CAST(response.id AS BLOB) AS id FROM memory
      JOIN response ON response.id = memory.source WHERE response.owner = ? AND memory.seq = ?`),
  }
}
