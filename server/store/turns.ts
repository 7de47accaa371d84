/** The store's calls over an open database. Synchronous: the store's thread runs them. */
import type Database from 'libsql'
import { bytesOfState, type SessionState } from '../checkpoint.ts'
import { FULL, pragma } from './database.ts'
import { StoreError, toStoreError } from './errors.ts'
import { CONTINUES, createEraser } from './erase.ts'
import { createConsolidation } from './consolidate.ts'
import { createConversations } from './conversations.ts'
import { createEpisodes } from './episodes.ts'
import { createMemories } from './memories.ts'
import { textOf } from './memory-row.ts'
import { createMemoryStores } from './memory-stores.ts'
import { createObjects } from './objects.ts'
import { createOutbox } from './outbox.ts'
import { createPrefixes } from './prefixes.ts'
import { createStates, KIND, type DroppedState, type Kind, type States } from './states.ts'
import type { VectorSearch } from './vector-search.ts'
import { startsAfresh, type Damage, type Rebuilt, type StoreCalls, type TurnRecord } from './store.ts'
import { bytesOf, checksumOf, fromRow, RESPONSE_COLUMNS, SELECT_RESPONSE, toBlob, toRow } from './turn-row.ts'
import type { Blob, ResponseRow } from './turn-row.ts'

export interface Retention {
  /** Most recently used inner states of a session that are kept, besides leaves and anchors. */
  readonly keepStates: number
  /** Tokens that a rebuild replays at most, besides those of the turn itself. */
  readonly replayTokens: number
  /** Bytes of all states at most, but for the one that was written last. */
  readonly stateBytes: number
  /** Bytes of all prefixes at most. */
  readonly prefixBytes: number
  /** Turns of an owner that are found by search, at most; 100,000 unless given. */
  readonly memoryEntries?: number
  /** Whether memories that say the same are one entry of a search; they are unless it is false. */
  readonly consolidation?: boolean
  /** Memories of turns are in another store, which gets them from the outbox. */
  readonly memoriesElsewhere?: boolean
}

/** Where the database is. */
export interface Surroundings {
  /** What is free on its disk. */
  readonly freeBytes: () => number
  /** Called with damage that a call comes upon. */
  readonly tell: (damage: Damage) => void
  readonly search: VectorSearch
}

/** States that can be rebuilt leave so much of the disk to the log of turns. */
const ROOM_FOR_TURNS = 16 * 1024 * 1024
/** Turns of an owner in the index unless the configuration says another number. */
export const MEMORY_ENTRIES = 100_000

type Row = ResponseRow & { checksum: Blob; state_hash: Blob | null; replay: number }

export function createTurns(
  database: Database.Database,
  retention: Retention,
  { freeBytes, tell, search }: Surroundings,
): StoreCalls {
  const sql = prepare(database)
  const states = createStates(database, tell)
  let evictions = 0
  const row = (id: string): Row | undefined => sql.byId.get(id) as Row | undefined
  /** Throws StoreError `corrupt`, and tells, if a row is not what was written. */
  const checked = (id: string, found: Row): TurnRecord => {
    try {
      return turnOf(found)
    } catch (error) {
      tell({ what: 'turn', id })
      throw error
    }
  }
  /** The turn `id`; null if there is none. Throws StoreError `corrupt` if it is not what was written. */
  const record = (id: string): TurnRecord | null => {
    const found = row(id)
    return found ? checked(id, found) : null
  }
  const exists = (id: string): boolean => sql.exists.get(id) !== undefined

  const consolidation = createConsolidation(database)
  const isConsolidating = retention.consolidation ?? true
  const memories = createMemories(database, search, tell, isConsolidating ? consolidation : null)
  const episodes = createEpisodes(database, retention.memoryEntries ?? MEMORY_ENTRIES)
  const objects = createObjects(database, memories, tell)
  const conversations = createConversations(database, objects)
  const prefixes = createPrefixes(database, retention.prefixBytes, tell)
  /** Deletes text, tokens and state of a turn. */
  const dropTurn = (id: string): DroppedState => {
    const found = row(id)
    sql.pinChildren.run(id) // what continued it can no longer be rebuilt from before it, so those states stay
    const dropped = states.drop(id)
    episodes.remove(id)
    sql.remove.run(id)
    const parent = found?.parent ? textOf(found.parent) : null
    if (found) conversations.goBack(textOf(found.owner), textOf(found.root), { id, parent, depth: found.depth })
    if (parent && exists(parent) && sql.child.get(parent) === undefined)
      states.setKind(parent, KIND.prunable, KIND.leaf)
    return dropped
  }
  const outbox = retention.memoriesElsewhere === true ? createOutbox(database) : null
  const eraser = createEraser(database, { memories, episodes }, dropTurn, outbox)
  return {
    ...prefixes,
    ...conversations,
    ...memories,
    ...objects,
    ...createMemoryStores(database, objects, memories),
    searchEpisodes: (...args) => episodes.searchEpisodes(...args),
    embedEpisode: (...args) => episodes.embedEpisode(...args),
    unembeddedEpisodes: (...args) => episodes.unembeddedEpisodes(...args),
    consolidateMemories: () => isConsolidating && consolidation.step(),
    erase: (...args) => eraser.erase(...args),
    turnsMeant: (...args) => eraser.turnsMeant(...args),
    turnsAround: (...args) => eraser.turnsAround(...args),
    eraseTurns: (...args) => eraser.eraseTurns(...args),
    folderOfMemories: () => outbox?.folder() ?? { id: '', memories: 0 },
    pendingMemories: (limit) => outbox?.pending(limit) ?? [],
    settleMemories: (seqs) => outbox?.settle(seqs),
    putPrefix(...args) {
      leaveRoom(args[3])
      return prefixes.putPrefix(...args)
    },
    put(turn, state, { told = [], read = [], turns = [], episode = null, conversation = null } = {}) {
      const gone = [...read, ...(turn.parent === null ? [] : [turn.parent])].filter((id) => eraser.wasErased(id))
      // A turn that was read was there.
      gone.push(...turns.filter((id) => sql.exists.get(id) === undefined))
      if (gone.length > 0) throw new StoreError('erased', `${gone[0]} was deleted while ${turn.id} was made`)
      if (conversation) conversations.goOn(turn, conversation)
      const { kind, replay } = placeOf(turn, states, sql, retention)
      sql.put.run(...toRow(turn), checksumOf(turn), replay)
      if (turn.parent !== null) states.setKind(turn.parent, KIND.leaf, KIND.prunable)
      const isKept = state === null || keep(turn, state, kind) !== null
      states.prune(turn.root, retention.keepStates)
      if (episode) episodes.add(turn, episode)
      if (outbox) {
        if (told.length + read.length > 0) outbox.add(turn.owner, { kind: 'turn', response: turn.id, told, read })
        return isKept
      }
      memories.tellMemories(turn.owner, told)
      for (const memory of read) {
        sql.addUse.run(turn.id, turn.owner, memory)
        episodes.wasRead(turn.owner, memory)
      }
      for (const one of turns) sql.addTurnUse.run(turn.id, turn.owner, one)
      return isKept
    },
    find(owner, id) {
      const found = row(id)
      if (!found || !ownedBy(found, owner)) return null
      const hash = found.state_hash && bytesOf(found.state_hash)
      const [kept, continued] = [states.kindOf(id) !== null, sql.child.get(id) !== undefined]
      return { record: checked(id, found), kept, stateHash: hash, continued }
    },
    load(id) {
      const turn = record(id)
      return turn && states.load(turn, true)
    },
    hold(id) {
      const isKept = states.kindOf(id) !== null
      if (isKept) states.hold(id)
      return isKept
    },
    release: (id) => states.release(id),
    first(owner, root) {
      const found = sql.first.get(owner, root) as { id: Blob } | undefined
      return found ? record(textOf(found.id)) : null
    },
    history(id, limit = Infinity) {
      const turns: TurnRecord[] = []
      for (
        let turn = record(id);
        turn && turns.length < limit;
        turn = turn.parent === null ? null : record(turn.parent)
      )
        turns.push(turn)
      return turns.toReversed()
    },
    lineage(id) {
      const turns: TurnRecord[] = []
      const damaged: string[] = []
      for (let at: string | null = id; at !== null;) {
        const turn = record(at)
        if (!turn) return null
        const state: SessionState | 'damaged' | null = at === id ? null : loadIfRight(states, turn)
        if (state === 'damaged') damaged.push(at)
        else if (state) {
          const from = { state, position: turn.position, pending: turn.pending }
          return { from, turns: turns.toReversed(), damaged }
        }
        turns.push(turn)
        at = startsAfresh(turn) ? null : turn.parent
      }
      return { from: null, turns: turns.toReversed(), damaged }
    },
    restore(id, state, use, prefillCalls = null) {
      if (use !== 'pinned') leaveRoom(state)
      const found = row(id)
      if (!found) return 'unknown'
      const turn = prefillCalls ? { ...checked(id, found), prefillCalls } : checked(id, found)
      if (prefillCalls) sql.setCalls.run(toBlob(prefillCalls), checksumOf(turn), id)
      const inner = sql.child.get(id) === undefined ? KIND.leaf : KIND.prunable
      const kind = states.kindOf(id) ?? (found.replay > retention.replayTokens ? KIND.anchor : inner)
      const hash = keep(turn, state, use === 'pinned' ? KIND.pinned : kind)
      if (!hash) {
        const message = `the state of ${id} begins at page ${state.firstPage}, and the pages before it are not kept`
        throw new StoreError('failed', message)
      }
      if (use === 'continued') states.hold(id)
      return compare(found.state_hash, hash)
    },
    statistics() {
      const count = (name: string): number => (sql.counter.get(name) as { value: number } | undefined)?.value ?? 0
      return {
        responses: count('responses'),
        sessions: count('sessions'),
        states: count('states'),
        stateBytes: count('stateBytes'),
        evictions,
        vectorIndex: search.statistics(),
        memoryStore: { kind: 'embedded', pending: outbox?.count() ?? 0, reachable: true },
        prefixes: count('prefixes'),
        prefixBytes: count('prefixBytes'),
        episodes: count('episodes'),
        episodesEvicted: count('episodesEvicted'),
        journal: String(pragma(database, 'journal_mode')),
        synchronous: pragma(database, 'synchronous') === FULL ? 'full' : 'other',
      }
    },
  }

  /** Throws StoreError `full` where `state`, first in the write-ahead log and then in the database, would fill the disk. */
  function leaveRoom(state: SessionState): void {
    const [free, needed] = [freeBytes(), 2 * bytesOfState(state) + ROOM_FOR_TURNS]
    if (free < needed) throw new StoreError('full', `a state is written where ${needed} bytes are free, got ${free}`)
  }

  function keep(turn: TurnRecord, state: SessionState, kind: Kind): Uint8Array | null {
    const hash = states.put(turn, state, kind)
    evictions += states.shrink(retention.stateBytes, turn.id)
    if (hash) sql.setHash.run(Buffer.from(hash), turn.id)
    return hash
  }
}

/** What kind of state a new turn's is, and how many tokens lie between it and the nearest earlier state that stays. */
function placeOf(
  turn: TurnRecord,
  states: States,
  sql: Statements,
  { replayTokens }: Retention,
): { kind: Kind; replay: number } {
  if (turn.parent === null || startsAfresh(turn))
    return { kind: turn.position > replayTokens ? KIND.anchor : KIND.leaf, replay: turn.position }
  const parent = sql.replay.get(turn.parent) as { replay: number; position: number } | undefined
  // What it continues was never stored, or is gone: this state cannot be rebuilt, so it stays.
  if (!parent) return { kind: KIND.pinned, replay: 0 }
  const parentKind = states.kindOf(turn.parent)
  const before = parentKind === KIND.anchor || parentKind === KIND.pinned ? 0 : parent.replay
  const replay = before + turn.position - parent.position
  return { kind: replay > replayTokens ? KIND.anchor : KIND.leaf, replay }
}

/** A state that is damaged serves no replay: the one before it does. */
function loadIfRight(states: States, turn: TurnRecord): SessionState | 'damaged' | null {
  try {
    return states.load(turn, false)
  } catch (error) {
    if (toStoreError(error).reason === 'corrupt') return 'damaged'
    throw error
  }
}

function turnOf(row: Row): TurnRecord {
  const turn = fromRow(row)
  if (!checksumOf(turn).equals(Buffer.from(bytesOf(row.checksum))))
    throw new StoreError('corrupt', `the stored turn ${turn.id.slice(0, 100)} is not what was written`)
  return turn
}

/** Compared as bytes: a damaged turn can still be deleted by its owner. */
function ownedBy(row: Row, owner: string): boolean {
  return Buffer.from(bytesOf(row.owner)).equals(Buffer.from(owner))
}

function compare(before: Blob | null, hash: Uint8Array): Rebuilt {
  if (!before) return 'unknown'
  return Buffer.from(bytesOf(before)).equals(Buffer.from(hash)) ? 'identical' : 'different'
}

type Statements = ReturnType<typeof prepare>

function prepare(database: Database.Database) {
  const marks = RESPONSE_COLUMNS.replaceAll(/\w+/g, '?')
  return {
    put: database.prepare(`INSERT INTO response (${RESPONSE_COLUMNS}, checksum, replay) VALUES (${marks}, ?, ?)`),
    byId: database.prepare(`${SELECT_RESPONSE} WHERE id = ?`),
    exists: database.prepare('SELECT 1 AS found FROM response WHERE id = ?'),
    first: database.prepare(
      'SELECT CAST(id AS BLOB) AS id FROM response WHERE owner = ? AND root = ? AND parent IS NULL LIMIT 1',
    ),
    replay: database.prepare(
      'SELECT CAST(replay AS INTEGER) AS replay, CAST(position AS INTEGER) AS position FROM response WHERE id = ?',
    ),
    setCalls: database.prepare('UPDATE response SET prefill_calls = ?, checksum = ? WHERE id = ?'),
    setHash: database.prepare('UPDATE response SET state_hash = ? WHERE id = ?'),
    child: database.prepare('SELECT 1 AS found FROM response WHERE parent = ? LIMIT 1'),
    pinChildren: database.prepare(
      `UPDATE state SET kind = ${KIND.pinned} WHERE id IN (SELECT id FROM response WHERE parent = ? AND ${CONTINUES})`,
    ),
    remove: database.prepare('DELETE FROM response WHERE id = ?'),
    addUse: database.prepare(`INSERT OR IGNORE INTO memory_use (response, memory)
      SELECT ?, seq FROM memory JOIN memory_scope ON memory_scope.scope = memory.scope WHERE owner = ? AND memory.id = ?`),
    addTurnUse: database.prepare(`INSERT OR IGNORE INTO turn_use (response, turn)
      SELECT ?, id FROM response WHERE owner = ? AND id = ?`),
    counter: database.prepare('SELECT CAST(value AS INTEGER) AS value FROM counter WHERE name = ?'),
  }
}
