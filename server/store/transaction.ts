/** One transaction of the embedded database. */
import type Database from 'libsql'

/** Commits `work`; where it throws, nothing of it stays, and the error goes on. */
export function inTransaction<T>(database: Database.Database, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const value = work()
    database.exec('COMMIT')
    return value
  } catch (error) {
    // A full disk makes SQLite roll back by itself; then there is nothing left to roll back.
    if (database.inTransaction) database.exec('ROLLBACK')
    throw error
  }
}
