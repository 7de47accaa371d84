/** Calls that wait for the database: writes that are queued together share one transaction and one fsync. */
import type Database from 'libsql'
import type { StoreCalls } from './records.ts'

/** One call and where its answer goes. */
export interface Call {
  readonly name: keyof StoreCalls
  readonly args: readonly unknown[]
  readonly answer: (result: CallResult) => void
}

export type CallResult = { readonly value: unknown } | { readonly error: string }

const WRITES: ReadonlySet<keyof StoreCalls> = new Set(['put', 'restore', 'remove'])

/** Returns what takes the calls and runs them in order, as many writes at a time as are there. */
export function createQueue(database: Database.Database, calls: StoreCalls): { push(call: Call): void; drain(): void } {
  let queue: Call[] = []
  let scheduled = false

  const drain = (): void => {
    scheduled = false
    const all = queue
    queue = []
    for (let i = 0; i < all.length;) {
      const first = all[i] as Call
      if (!WRITES.has(first.name)) {
        first.answer(attempt(() => invoke(calls, first)))
        i++
        continue
      }
      const end = all.findIndex((call, at) => at > i && !WRITES.has(call.name))
      const group = all.slice(i, end < 0 ? all.length : end)
      commit(database, calls, group)
      i += group.length
    }
  }
  return {
    drain,
    push(call) {
      queue.push(call)
      if (!scheduled) setImmediate(drain)
      scheduled = true
    },
  }
}

/** One transaction for all; if it fails, each on its own, so that one turn too large takes no other with it. */
function commit(database: Database.Database, calls: StoreCalls, group: readonly Call[]): void {
  const results = transaction(database, () => group.map((call) => ({ value: invoke(calls, call) })))
  if (!('error' in results)) {
    // What was deleted is still in the write-ahead log until that is folded into the database.
    if (group.some(({ name }) => name === 'remove')) attempt(() => database.exec('PRAGMA wal_checkpoint(TRUNCATE)'))
    for (const [i, call] of group.entries()) call.answer(results.value[i] as CallResult)
  } else if (group.length === 1) {
    group[0]?.answer(results)
  } else {
    for (const call of group) commit(database, calls, [call])
  }
}

function transaction<T>(database: Database.Database, work: () => T): { value: T } | { error: string } {
  return attempt(() => {
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
  })
}

function invoke(calls: StoreCalls, call: Call): unknown {
  const method = calls[call.name] as (...args: readonly unknown[]) => unknown
  return method(...call.args)
}

function attempt<T>(work: () => T): { value: T } | { error: string } {
  try {
    return { value: work() }
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
