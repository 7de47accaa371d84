/** The store's calls over an open database. Synchronous: the store's thread runs them. */
import { createHash } from 'node:crypto'
import type Database from 'libsql'
import { pragma } from './database.ts'
import type { StateLookup, StoreCalls, TurnRecord } from './records.ts'

/** Every so many turns of a line a state is kept for good, so that a pruned one is never further than this from one. */
const KEEP_EVERY = 16

const COLUMNS =
  'id, owner, parent, root, depth, created, model, bundle, document, prompt, generated, pending, position, chunk'

/** Children of a response that have no state of their own. */
const DEPENDANTS =
  'SELECT id FROM response WHERE parent = ? AND NOT EXISTS (SELECT 1 FROM state WHERE state.id = response.id)'

/** Returns the calls; `keepStates` is how many of a session's newest states the retention policy leaves alone. */
export function createTurns(database: Database.Database, keepStates: number): StoreCalls {
  const sql = prepare(database)
  const record = (id: string): TurnRecord | null => {
    const row = sql.byId.get(id) as Row | undefined
    return row ? fromRow(row) : null
  }
  const lookup = (id: string): StateLookup => {
    const row = sql.state.get(id) as { bytes: ArrayBuffer; sha256: ArrayBuffer } | undefined
    if (!row) return { kind: 'pruned' }
    const state = new Uint8Array(row.bytes)
    return digest(state).equals(Buffer.from(row.sha256)) ? { kind: 'kept', state } : { kind: 'corrupted' }
  }
  const putState = (id: string, state: Uint8Array, pinned: boolean): void => {
    sql.dropState.run(id)
    sql.putState.run(pinned ? 1 : 0, digest(state), bytesOf(state), id)
  }
  return {
    put(turn, state) {
      sql.put.run(...toRow(turn))
      // What it continued was never stored, or is gone: nothing to rebuild from, so this state stays.
      putState(turn.id, state, turn.parent !== null && !record(turn.parent))
      sql.prune.run(turn.root, turn.root, keepStates)
    },
    find(owner, id) {
      const found = record(id)
      if (!found || found.owner !== owner) return null
      return { record: found, state: lookup(id), continued: sql.child.get(id) !== undefined }
    },
    lineage(id) {
      const turns: TurnRecord[] = []
      for (let at: string | null = id; at !== null;) {
        const turn = record(at)
        if (!turn) return null
        const kept: StateLookup = at === id ? { kind: 'pruned' } : lookup(at)
        if (kept.kind === 'kept') {
          return {
            from: { state: kept.state, position: turn.position, pending: turn.pending },
            turns: turns.toReversed(),
          }
        }
        turns.push(turn)
        at = turn.parent
      }
      return { from: null, turns: turns.toReversed() }
    },
    restore: (id, state, pinned) => putState(id, state, pinned),
    dependants: (id) => (sql.dependants.all(id) as { id: string }[]).map((row) => row.id),
    remove(owner, id, force) {
      if (record(id)?.owner !== owner) return 'unknown'
      if (!force && sql.dependant.get(id) !== undefined) return 'needed'
      sql.remove.run(id)
      sql.dropState.run(id)
      // What continued it can no longer be rebuilt from before it, so their states stay.
      sql.pinChildren.run(id)
      return 'removed'
    },
    statistics() {
      const counts = sql.counts.get() as { responses: number; sessions: number; states: number; stateBytes: number }
      const { responses, sessions, states, stateBytes } = counts
      const synchronous = pragma(database, 'synchronous') === 2 ? 'full' : 'other'
      return { responses, sessions, states, stateBytes, journal: String(pragma(database, 'journal_mode')), synchronous }
    },
  }
}

type Row = Omit<TurnRecord, 'prompt' | 'generated' | 'pending'> &
  Record<'prompt' | 'generated' | 'pending', ArrayBuffer | Uint8Array>

/** Statements by what they do. */
function prepare(database: Database.Database) {
  const marks = COLUMNS.replaceAll(/\w+/g, '?')
  return {
    put: database.prepare(`INSERT INTO response (${COLUMNS}) VALUES (${marks})`),
    byId: database.prepare(`SELECT ${COLUMNS} FROM response WHERE id = ?`),
    state: database.prepare('SELECT bytes, sha256 FROM state WHERE id = ?'),
    putState: database.prepare(
      'INSERT INTO state (seq, id, root, depth, pinned, sha256, bytes) SELECT seq, id, root, depth, ?, ?, ? FROM response WHERE id = ?',
    ),
    dropState: database.prepare('DELETE FROM state WHERE id = ?'),
    // Leaves are where a session goes on from, so they stay whatever their age.
    prune: database.prepare(
      `DELETE FROM state WHERE root = ? AND pinned = 0 AND depth % ${KEEP_EVERY} <> 0
         AND seq NOT IN (SELECT seq FROM state WHERE root = ? ORDER BY seq DESC LIMIT ?)
         AND EXISTS (SELECT 1 FROM response child WHERE child.parent = state.id)`,
    ),
    dependants: database.prepare(DEPENDANTS),
    dependant: database.prepare(`${DEPENDANTS} LIMIT 1`),
    child: database.prepare('SELECT 1 FROM response WHERE parent = ? LIMIT 1'),
    pinChildren: database.prepare('UPDATE state SET pinned = 1 WHERE id IN (SELECT id FROM response WHERE parent = ?)'),
    remove: database.prepare('DELETE FROM response WHERE id = ?'),
    counts: database.prepare(
      `SELECT (SELECT count(*) FROM response) AS responses, (SELECT count(DISTINCT root) FROM response) AS sessions,
              count(*) AS states, coalesce(sum(length(bytes)), 0) AS stateBytes FROM state`,
    ),
  }
}

function toRow(turn: TurnRecord): unknown[] {
  const { id, owner, parent, root, depth, created, model, bundle, document, position, chunk } = turn
  const tokens = [turn.prompt, turn.generated, turn.pending].map((ids) => bytesOf(Int32Array.from(ids)))
  return [id, owner, parent, root, depth, created, model, bundle, document, ...tokens, position, chunk]
}

/** libsql adds a field of its own to rows, so ours are picked by name. */
function fromRow(row: Row): TurnRecord {
  const { id, owner, parent, root, depth, created, model, bundle, document, position, chunk } = row
  const ids = { prompt: tokens(row.prompt), generated: tokens(row.generated), pending: tokens(row.pending) }
  return { id, owner, parent, root, depth, created, model, bundle, document, ...ids, position, chunk }
}

/** A blob is an ArrayBuffer or a Buffer, depending on the call that read it. */
function tokens(blob: ArrayBuffer | Uint8Array): number[] {
  return [...new Int32Array(Uint8Array.from(new Uint8Array(blob)).buffer)]
}

function bytesOf(data: Uint8Array | Int32Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

function digest(state: Uint8Array): Buffer {
  return createHash('sha256').update(state).digest()
}
