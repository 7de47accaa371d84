/** The embedded database of a data folder: one process, one writing connection, nothing acknowledged before fsync. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'libsql'
import { StoreError } from './records.ts'

export interface Opened {
  readonly database: Database.Database
  close(): void
}

/** SQLite's names of `pragma synchronous`. */
const FULL = 2

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS response (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, parent TEXT, root TEXT NOT NULL, depth INTEGER NOT NULL,
    created INTEGER NOT NULL, model TEXT NOT NULL, bundle TEXT NOT NULL, document TEXT NOT NULL,
    prompt BLOB NOT NULL, generated BLOB NOT NULL, pending BLOB NOT NULL,
    position INTEGER NOT NULL, chunk INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS response_parent ON response (parent);
  CREATE TABLE IF NOT EXISTS state (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, root TEXT NOT NULL, depth INTEGER NOT NULL,
    pinned INTEGER NOT NULL, sha256 BLOB NOT NULL, bytes BLOB NOT NULL
  );
  CREATE INDEX IF NOT EXISTS state_root ON state (root, seq);
`

/** Version of the schema above; a folder of another version is refused. */
const VERSION = 1

/** Opens `folder`, making it if needed. Throws StoreError if another process has it or it cannot be used. */
export function openDatabase(folder: string, maxPages?: number): Opened {
  try {
    mkdirSync(folder, { recursive: true })
    const lock = takeLock(folder)
    const database = new Database(join(folder, 'mneme.db'), { timeout: 5_000 })
    configure(database, folder, maxPages)
    return {
      database,
      close() {
        database.close()
        lock.close()
      },
    }
  } catch (error) {
    if (error instanceof StoreError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new StoreError(`${folder}: expected a usable data folder, got: ${reason}. Choose another one with --data.`)
  }
}

/**
 * An exclusive transaction that stays open on a database of its own. The operating system drops the file lock with the
 * process, so nothing is left to clean up after kill -9.
 */
function takeLock(folder: string): Database.Database {
  const lock = new Database(join(folder, 'lock.db'), { timeout: 0 })
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (!(error instanceof Error) || !/locked|busy/i.test(error.message)) throw error
    throw new StoreError(
      `${folder}: this data folder is in use by another mneme process. Stop it, or choose another folder with --data.`,
    )
  }
}

function configure(database: Database.Database, folder: string, maxPages?: number): void {
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  database.exec('PRAGMA secure_delete = ON')
  database.exec('PRAGMA foreign_keys = OFF')
  // libsql's setter returns nothing, so what holds is read back.
  const journal = pragma(database, 'journal_mode')
  const synchronous = pragma(database, 'synchronous')
  if (journal !== 'wal' || synchronous !== FULL) {
    throw new StoreError(`${folder}: expected journal wal and synchronous ${FULL}, got ${journal} and ${synchronous}`)
  }
  const version = pragma(database, 'user_version')
  if (version !== 0 && version !== VERSION) {
    throw new StoreError(
      `${folder}: expected data of version ${VERSION}, got version ${version}. Choose another folder with --data.`,
    )
  }
  database.exec(SCHEMA)
  database.exec(`PRAGMA user_version = ${VERSION}`)
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`)
}

/** The one value of a pragma. */
export function pragma(database: Database.Database, name: string): string | number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, string | number>
  return row[name] ?? ''
}
