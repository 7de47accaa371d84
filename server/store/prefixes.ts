/** Prefixes of prompts with their states, by owner and bundle: within a budget of bytes, and for a day after their last use. */
import { createHash } from 'node:crypto'
import type Database from 'libsql'
import { PAGE_POSITIONS, sharedCopy, type SessionState } from '../checkpoint.ts'
import { createPages, type PageName } from './pages.ts'
import { toStoreError } from './errors.ts'
import type { Damage, PrefixCalls } from './store.ts'
import { checksumOfPrefix, columnsOf, hashOf, isAsWritten, type PrefixRow } from './prefix-row.ts'
import { bytesOf, integers, toBlob, type Blob } from './turn-row.ts'

/** How long a prefix is kept after its last use. */
const LIFETIME_MS = 24 * 60 * 60 * 1000

type Candidate = Pick<PrefixRow, 'seq' | 'length' | 'hash'>

/** Keeps at most `budget` bytes; the prefixes that were used longest ago go first. `tell` is told of damaged ones. */
export function createPrefixes(
  database: Database.Database,
  budget: number,
  tell: (damage: Damage) => void,
): PrefixCalls {
  const sql = prepare(database)
  const pages = createPages(database, 'prefix_page')
  const used = new Map<number, number>()
  /** Numbers of prefixes that are not what was written: they are stored anew when they are put again. */
  const damaged = new Set<number>()

  const isDamaged = (seq: number): void => {
    if (!damaged.has(seq)) tell({ what: 'prefix', id: null })
    damaged.add(seq)
  }
  const drop = (seq: number): void => {
    damaged.delete(seq)
    const found = sql.pageOf.get(seq) as { page: Blob | null } | undefined
    sql.drop.run(seq)
    pages.release(found?.page ? bytesOf(found.page) : null)
  }
  const writeUses = (): void => {
    for (const [seq, time] of used) sql.use.run(time, seq)
    used.clear()
  }
  const bytes = (): number => (sql.bytes.get() as { value: number }).value
  const shrink = (): void => {
    while (bytes() > budget) {
      const oldest = sql.oldest.get() as { seq: number } | undefined
      if (!oldest) return
      drop(oldest.seq)
    }
  }
  /** The last page of the prefix that a new one shares its first pages with. */
  const pageBefore = (after: number, firstPage: number, scope: string): PageName | null => {
    const row = sql.row.get(after) as (PrefixRow & { owner: Blob; bundle: Blob }) | undefined
    const same = row && `${text(row.owner)}\0${text(row.bundle)}` === scope
    return same && Math.floor(row.position / PAGE_POSITIONS) === firstPage && row.page ? bytesOf(row.page) : null
  }
  return {
    putPrefix(owner, bundle, record, state, after) {
      const hash = hashOf(record.key)
      const known = sql.find.get(owner, bundle, record.key.length, hash) as { seq: number } | undefined
      if (known && damaged.has(known.seq)) drop(known.seq)
      else if (known) {
        used.set(known.seq, Date.now())
        writeUses()
        return known.seq
      }
      const scope = `${owner}\0${bundle}`
      const previous = state.firstPage === 0 ? null : pageBefore(after ?? -1, state.firstPage, scope)
      if (state.firstPage > 0 && !previous) return null
      const full = Math.max(0, Math.floor(record.position / PAGE_POSITIONS) - state.firstPage)
      const page = pages.add(previous, state.pages.slice(0, full), scope)
      const tail = state.pages[full] ?? new Uint8Array(0)
      const columns = columnsOf(record, state.fixed, tail, page)
      const sum = checksumOfPrefix(owner, bundle, record.key.length, hash, columns)
      const { lastInsertRowid } = sql.put.run(owner, bundle, record.key.length, hash, Date.now(), ...columns, sum)
      writeUses()
      shrink()
      return Number(lastInsertRowid)
    },
    findPrefix(owner, bundle, tokens, longerThan) {
      const oldest = Date.now() - LIFETIME_MS
      const rows = sql.candidates.all(owner, bundle, longerThan, tokens.length, oldest) as Candidate[]
      for (const { seq } of matching(rows, tokens)) {
        const row = sql.row.get(seq) as PrefixRow | undefined
        const state =
          row && isAsWritten(owner, bundle, row)
            ? stateOf(row, () => pages.read(row.page && bytesOf(row.page), `${owner}\0${bundle}`))
            : null
        if (!row || !state) {
          isDamaged(seq)
          continue
        }
        used.set(seq, Date.now())
        const { length, position, reply } = row
        const fed = row.tokens && integers(row.tokens)
        return { seq, length, tokens: fed, position, calls: integers(row.calls), afterReply: reply === 1, state }
      }
      return null
    },
    prefixScopes: () =>
      (sql.scopes.all() as { owner: Blob; bundle: Blob }[]).map(({ owner, bundle }) => ({
        owner: text(owner),
        bundle: text(bundle),
      })),
    clearPrefixes: (owner) => dropAll(sql.owned.all(owner)),
    expirePrefixes() {
      writeUses()
      return dropAll(sql.expired.all(Date.now() - LIFETIME_MS))
    },
  }

  function dropAll(rows: unknown[]): number {
    for (const { seq } of rows as { seq: number }[]) drop(seq)
    return rows.length
  }
}

/** Those of `rows`, longest first, that `tokens` begins with. Costs O(tokens). */
function matching(rows: readonly Candidate[], tokens: readonly number[]): Candidate[] {
  const bytes = toBlob(tokens)
  const hash = createHash('sha256')
  const matches: Candidate[] = []
  let at = 0
  for (const row of rows) {
    hash.update(bytes.subarray(4 * at, 4 * row.length))
    at = row.length
    if (
      hash
        .copy()
        .digest()
        .equals(Buffer.from(bytesOf(row.hash)))
    )
      matches.unshift(row)
  }
  return matches
}

/** Null where a page is missing or damaged: the prompt is then computed. */
function stateOf(row: PrefixRow, readPages: () => Uint8Array[]): SessionState | null {
  // Copied into memory of their own, which can then be moved to another thread.
  const [fixed, tail] = [sharedCopy(bytesOf(row.fixed)), sharedCopy(bytesOf(row.tail))]
  try {
    const full = readPages()
    return { fixed, pages: tail.length > 0 ? [...full, tail] : full, firstPage: 0 }
  } catch (error) {
    if (toStoreError(error).reason === 'corrupt') return null
    throw error
  }
}

function text(blob: Blob): string {
  return Buffer.from(bytesOf(blob)).toString()
}

function prepare(database: Database.Database) {
  const blobs = (...names: string[]): string => names.map((name) => `CAST(${name} AS BLOB) AS ${name}`).join(', ')
  const numbers = (...names: string[]): string => names.map((name) => `CAST(${name} AS INTEGER) AS ${name}`).join(', ')
  return {
    put: database.prepare(
      `INSERT INTO prefix (owner, bundle, length, hash, used, position, tokens, calls, reply, fixed, tail, page, checksum)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    find: database.prepare(
      `SELECT ${numbers('seq')} FROM prefix WHERE owner = ? AND bundle = ? AND length = ? AND hash = ?`,
    ),
    candidates: database.prepare(
      `SELECT ${numbers('seq', 'length')}, ${blobs('hash')} FROM prefix
         WHERE owner = ? AND bundle = ? AND length > ? AND length < ? AND used >= ? ORDER BY length`,
    ),
    row: database.prepare(
      `SELECT ${numbers('seq', 'length', 'position', 'reply')},
              ${blobs('owner', 'bundle', 'hash', 'tokens', 'calls', 'fixed', 'tail', 'page', 'checksum')}
         FROM prefix WHERE seq = ?`,
    ),
    pageOf: database.prepare(`SELECT ${blobs('page')} FROM prefix WHERE seq = ?`),
    use: database.prepare('UPDATE prefix SET used = ? WHERE seq = ?'),
    drop: database.prepare('DELETE FROM prefix WHERE seq = ?'),
    oldest: database.prepare(`SELECT ${numbers('seq')} FROM prefix ORDER BY used, seq LIMIT 1`),
    owned: database.prepare(`SELECT ${numbers('seq')} FROM prefix WHERE owner = ?`),
    expired: database.prepare(`SELECT ${numbers('seq')} FROM prefix WHERE used < ?`),
    scopes: database.prepare(`SELECT DISTINCT ${blobs('owner', 'bundle')} FROM prefix`),
    bytes: database.prepare("SELECT CAST(value AS INTEGER) AS value FROM counter WHERE name = 'prefixBytes'"),
  }
}
