/** The embedded database of a data folder: one process, one connection, nothing acknowledged before fsync. */
import Database from 'libsql'
import { openDataFolder, type DataFolder } from './data-folder.ts'
import { StoreError, toStoreError } from './errors.ts'
import { createReserve, type Reserve } from './reserve.ts'
import { migrate } from './schema.ts'
import { inTransaction } from './transaction.ts'
import { wipeUnallocated } from './unallocated.ts'

export interface Opened {
  readonly database: Database.Database
  readonly files: DataFolder
  readonly reserve: Reserve
  /** What was noticed, in sentences for the log. */
  readonly notes: readonly string[]
  close(): void
}

/** SQLite's number for `pragma synchronous = FULL`: every commit waits for the disk. */
export const FULL = 2

/** Opens `folder`, making it if needed. Throws StoreError if another process has it or it cannot be used. */
export function openDatabase(folder: string, maxPages?: number): Opened {
  try {
    const files = openDataFolder(folder)
    const reserve = createReserve(folder)
    const { database, notes } = connect(folder, files, reserve, maxPages)
    // A deletion may have been cut off before it was answered.
    if (!files.wasClosed) wipe(database)
    files.mark(false)
    files.remember()
    reserve.refill()
    return {
      database,
      files,
      reserve,
      notes: [...files.notes, ...notes],
      close() {
        scrub(database)
        files.mark(true)
        // The connection ends with its thread: libsql keeps it open for as long as statements are there.
        database.close()
      },
    }
  } catch (error) {
    if (error instanceof StoreError && error.message.startsWith(folder)) throw error
    const { reason, message } = toStoreError(error)
    const sentence = `${folder}: expected a usable data folder, got: ${message}. Choose another one with --data.`
    throw new StoreError(reason, sentence, { cause: error })
  }
}

/** A full disk is no reason not to start: what is stored can be read and deleted. */
function connect(
  folder: string,
  files: DataFolder,
  reserve: Reserve,
  maxPages: number | undefined,
): { database: Database.Database; notes: string[] } {
  try {
    return { database: open(folder, files, maxPages), notes: [] }
  } catch (error) {
    if (toStoreError(error).reason !== 'full' || !reserve.release()) throw error
    const note = `${folder}: the disk is full. Stored responses can be read and deleted; new ones cannot be stored.`
    return { database: open(folder, files, maxPages), notes: [note] }
  }
}

function open(folder: string, files: DataFolder, maxPages: number | undefined): Database.Database {
  const database = new Database(files.database, { timeout: 0 })
  try {
    // Exclusive: the lock on the database itself keeps other processes out and goes with the process, and the index of
    // the write-ahead log is in memory, not in a file that a full disk has no room for.
    database.exec('PRAGMA locking_mode = EXCLUSIVE')
    database.exec('PRAGMA journal_mode = WAL')
    database.exec('BEGIN EXCLUSIVE; COMMIT')
    configure(database, folder, maxPages)
    return database
  } catch (error) {
    database.close()
    const busy = error instanceof Error && /locked|busy/i.test(error.message)
    if (!busy) throw error
    throw new StoreError(
      'failed',
      `${folder}: this data folder is in use by another mneme process. Stop it, or choose another folder with --data.`,
      { cause: error },
    )
  }
}

function configure(database: Database.Database, folder: string, maxPages: number | undefined): void {
  database.exec('PRAGMA synchronous = FULL')
  database.exec('PRAGMA secure_delete = ON')
  database.exec('PRAGMA foreign_keys = OFF')
  // libsql's setter returns nothing, so what holds is read back.
  const journal = pragma(database, 'journal_mode')
  const synchronous = pragma(database, 'synchronous')
  if (journal !== 'wal' || synchronous !== FULL) {
    const message = `${folder}: expected journal wal and synchronous ${FULL}, got ${journal} and ${synchronous}`
    throw new StoreError('failed', message)
  }
  migrate(database, Number(pragma(database, 'user_version')), folder)
  // What an earlier process deleted may still be in the log.
  scrub(database)
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`)
}

/**
 * Folds the write-ahead log into the database and empties it: only then is what was deleted in no file any more.
 * Returns whether it was done.
 */
export function scrub(database: Database.Database): boolean {
  try {
    const row = database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number }
    return row.busy === 0
  } catch {
    return false
  }
}

/** Zeroes what deletions left in pages. On a full disk it is left to the next deletion. */
function wipe(database: Database.Database): void {
  wipeUnallocated(database, (change) => {
    try {
      inTransaction(database, change)
      return scrub(database)
    } catch {
      return false
    }
  })
}

/** The one value of a pragma. */
export function pragma(database: Database.Database, name: string): string | number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, string | number>
  return row[name] ?? ''
}
