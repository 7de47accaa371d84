/** The states that are kept, and which of them go when there are newer ones. */
import { createHash } from 'node:crypto'
import type Database from 'libsql'
import { PAGE_POSITIONS, sharedCopy, type SessionState } from '../checkpoint.ts'
import { StoreError, toStoreError } from './errors.ts'
import { createPages } from './pages.ts'
import type { Damage, TurnRecord } from './store.ts'
import { bytesOf, type Blob } from './turn-row.ts'

/** Values of state.kind. Only prunable states are ever pruned. */
export const KIND = {
  /** An inner turn of its branch: the least recently used ones go. */
  prunable: 0,
  /** Where a branch goes on from. */
  leaf: 1,
  /** Kept so that no replay of a later turn is longer than the limit. */
  anchor: 2,
  /** It could not be rebuilt, or somebody asked for it to stay. */
  pinned: 3,
} as const

export type Kind = (typeof KIND)[keyof typeof KIND]

/** What went with the state of a turn. */
export interface DroppedState {
  readonly states: number
  readonly pages: number
}

export interface States {
  /** Stores the state of a turn, in place of any that is there; returns its hash. Null: pages before it are not kept. */
  put(turn: TurnRecord, state: SessionState, kind: Kind): Uint8Array | null
  kindOf(id: string): Kind | null
  setKind(id: string, from: Kind, to: Kind): void
  /**
   * Null if it is not kept. Throws StoreError `corrupt` if it is not what was written. With `hold` it is held: the turn
   * that continues it shares its pages.
   */
  load(turn: TurnRecord, hold: boolean): SessionState | null
  /** It is not pruned until `release` is called as often. */
  hold(id: string): void
  release(id: string): void
  drop(id: string): DroppedState
  /** Drops the prunable states of a session but the `keep` most recently used ones. */
  prune(root: string, keep: number): void
  /**
   * Drops states until all together have at most `budget` bytes; returns how many. The owner who holds most gives way:
   * of inner turns first, then anchors, then leaves, those used longest ago first. Held and pinned ones stay, and `newest`.
   */
  shrink(budget: number, newest: string): number
}

export function createStates(database: Database.Database, tell: (damage: Damage) => void): States {
  const pages = createPages(database, 'page')
  const sql = prepare(database)
  const touched = new Map<string, number>()
  const held = new Map<string, number>()
  let clock = 0
  // Wall-clock time orders uses across restarts; within a process it never repeats or goes back.
  const tick = (): number => (clock = Math.max(clock + 1, Date.now()))
  const row = (id: string): StateRow | undefined => sql.read.get(id) as StateRow | undefined

  const drop = (id: string): DroppedState => {
    const found = sql.pageOf.get(id) as { page: Blob | null } | undefined
    if (!found) return { states: 0, pages: 0 }
    sql.drop.run(id)
    return { states: 1, pages: pages.release(found.page && bytesOf(found.page)) }
  }
  const hold = (id: string): void => void held.set(id, (held.get(id) ?? 0) + 1)
  /** Throws StoreError `corrupt` where any byte is not what was written. */
  const read = (turn: TurnRecord, found: StateRow): SessionState => {
    const [fixed, tail] = [sharedCopy(bytesOf(found.fixed)), sharedCopy(bytesOf(found.tail))]
    const page = found.page && bytesOf(found.page)
    if (!digest(fixed, tail, page).equals(Buffer.from(bytesOf(found.sha256))))
      throw new StoreError('corrupt', `the state of ${turn.id} is not what was written`)
    const full = pages.read(page, scopeOf(turn))
    return { fixed, pages: tail.length > 0 ? [...full, tail] : full, firstPage: 0 }
  }
  /** The state that goes first for want of room; null where none may go. */
  const nextToGo = (newest: string): string | null => {
    for (const { owner } of sql.owners.all() as { owner: Blob }[])
      for (const kind of [KIND.prunable, KIND.anchor, KIND.leaf]) {
        const ids = sql.oldest.all(text(owner), kind, held.size + 2) as { id: Blob }[]
        const id = ids.map((found) => text(found.id)).find((one) => one !== newest && !held.has(one))
        if (id !== undefined) return id
      }
    return null
  }
  return {
    kindOf: (id) => (sql.kind.get(id) as { kind: Kind } | undefined)?.kind ?? null,
    setKind: (id, from, to) => void sql.setKind.run(to, id, from),
    put(turn, state, kind) {
      const full = Math.floor(turn.position / PAGE_POSITIONS) - state.firstPage
      const previous = state.firstPage === 0 ? null : pageBefore(sql, turn)
      if (state.firstPage > 0 && previous === null) return null
      const page = pages.add(previous, state.pages.slice(0, Math.max(0, full)), scopeOf(turn))
      const tail = state.pages[Math.max(0, full)] ?? new Uint8Array(0)
      const hash = digest(state.fixed, tail, page)
      drop(turn.id)
      const bytes = [state.fixed, tail].map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))
      sql.put.run(kind, tick(), hash, ...bytes, page && Buffer.from(page), turn.id)
      return hash
    },
    load(turn, holding) {
      try {
        const found = row(turn.id)
        if (!found) return null
        touched.set(turn.id, tick())
        const state = read(turn, found)
        if (holding) hold(turn.id)
        return state
      } catch (thrown) {
        const error = toStoreError(thrown)
        if (error.reason === 'corrupt') tell({ what: 'state', id: turn.id })
        throw error
      }
    },
    hold,
    release(id) {
      const count = (held.get(id) ?? 0) - 1
      if (count > 0) held.set(id, count)
      else held.delete(id)
    },
    drop,
    prune(root, keep) {
      // What was read since the last write counts as used; it is written down with this transaction.
      for (const [id, used] of touched) sql.use.run(used, id)
      touched.clear()
      const stale = (sql.stale.all(root, keep) as { id: Blob }[]).map(({ id }) => text(id))
      for (const id of stale) if (!held.has(id)) drop(id)
    },
    shrink(budget, newest) {
      let dropped = 0
      while ((sql.bytes.get() as { value: number }).value > budget) {
        const id = nextToGo(newest)
        if (id === null) break
        drop(id)
        dropped++
      }
      return dropped
    },
  }
}

type StateRow = Record<'sha256' | 'fixed' | 'tail', Blob> & { page: Blob | null }
type Statements = ReturnType<typeof prepare>

function prepare(database: Database.Database) {
  return {
    read: database.prepare(
      `SELECT CAST(sha256 AS BLOB) AS sha256, CAST(fixed AS BLOB) AS fixed, CAST(tail AS BLOB) AS tail,
              CAST(page AS BLOB) AS page FROM state WHERE id = ?`,
    ),
    pageOf: database.prepare('SELECT CAST(page AS BLOB) AS page FROM state WHERE id = ?'),
    kind: database.prepare('SELECT CAST(kind AS INTEGER) AS kind FROM state WHERE id = ?'),
    setKind: database.prepare('UPDATE state SET kind = ? WHERE id = ? AND kind = ?'),
    put: database.prepare(
      `INSERT INTO state (seq, id, root, owner, kind, used, sha256, fixed, tail, page)
         SELECT seq, id, root, owner, ?, ?, ?, ?, ?, ? FROM response WHERE id = ?`,
    ),
    drop: database.prepare('DELETE FROM state WHERE id = ?'),
    use: database.prepare('UPDATE state SET used = ? WHERE id = ?'),
    bytes: database.prepare("SELECT CAST(value AS INTEGER) AS value FROM counter WHERE name = 'stateBytes'"),
    owners: database.prepare(
      'SELECT CAST(owner AS BLOB) AS owner FROM owner_bytes WHERE bytes > 0 ORDER BY bytes DESC',
    ),
    oldest: database.prepare(
      'SELECT CAST(id AS BLOB) AS id FROM state WHERE owner = ? AND kind = ? ORDER BY used LIMIT ?',
    ),
    stale: database.prepare(
      `SELECT CAST(id AS BLOB) AS id FROM state WHERE root = ? AND kind = ${KIND.prunable} ORDER BY used DESC LIMIT -1 OFFSET ?`,
    ),
  }
}

/** The last page of the turn that `turn` continues: its own pages follow it. Null where it is not kept. */
function pageBefore(sql: Statements, turn: TurnRecord): Uint8Array | null {
  const found = sql.pageOf.get(turn.parent ?? '') as { page: Blob | null } | undefined
  return found?.page ? bytesOf(found.page) : null
}

function text(blob: Blob): string {
  return Buffer.from(bytesOf(blob)).toString()
}

function scopeOf({ owner, bundle }: TurnRecord): string {
  return `${owner}\0${bundle}`
}

/** For a state without pages this is the sha256 of its bytes, as format 1 had it. */
function digest(fixed: Uint8Array, tail: Uint8Array, page: Uint8Array | null): Buffer {
  const hash = createHash('sha256').update(fixed).update(tail)
  return (page ? hash.update(page) : hash).digest()
}
