/** Calls that wait for the database: writes that are queued together share one transaction and one fsync. */
import { scrub, type Opened } from './database.ts'
import type { Receipt } from './erase-calls.ts'
import { StoreError, toStoreError } from './errors.ts'
import type { StoreCalls } from './store.ts'
import { inTransaction } from './transaction.ts'
import { wipeUnallocated } from './unallocated.ts'

/** One call and where its answer goes. */
export interface Call {
  readonly name: keyof StoreCalls
  readonly args: readonly unknown[]
  readonly answer: (result: CallResult) => void
}

export type CallResult = { readonly value: unknown } | { readonly error: StoreError }

const WRITES: ReadonlySet<keyof StoreCalls> = new Set([
  'put',
  'restore',
  'putPrefix',
  'addMemory',
  'tellMemories',
  'changeMemory',
  'embedMemory',
  'embedEpisode',
  'consolidateMemories',
  'addConversation',
  'changeConversation',
  'addObject',
  'changeObject',
  'addChunks',
  'writeStoreMemory',
  'settleMemories',
])
/** What they delete is in no file any more when they are answered. */
const ERASES: ReadonlySet<keyof StoreCalls> = new Set([
  'erase',
  'eraseTurns',
  'clearPrefixes',
  'expirePrefixes',
  'expireMemories',
  'removeAdded',
  'removeObject',
  'dropChunks',
  'removeStoreMemory',
  'redactVersion',
  'expireObjects',
])

export interface Queue {
  /** Runs calls in order; consecutive writes share a transaction. */
  push(call: Call): void
  /** Runs everything that waits, now. */
  drain(): void
}

/** `onBroken` is called when the data folder is gone and nothing can be acknowledged any more. */
export function createQueue(opened: Opened, calls: StoreCalls, onBroken: (error: StoreError) => void): Queue {
  const erase = createErasure(opened, calls)
  let waiting: Call[] = []
  let scheduled = false

  const run = (group: readonly Call[]): void => {
    const [first] = group as [Call]
    if (ERASES.has(first.name)) first.answer(erase(first))
    else if (WRITES.has(first.name)) commit(opened, calls, group, onBroken)
    else first.answer(attempt(() => invoke(calls, first)))
  }
  const drain = (): void => {
    scheduled = false
    const all = waiting
    waiting = []
    for (let i = 0; i < all.length;) {
      let end = i + 1
      while (WRITES.has(all[i]!.name) && end < all.length && WRITES.has(all[end]!.name)) end++
      run(all.slice(i, end))
      i = end
    }
  }
  return {
    drain,
    push(call) {
      waiting.push(call)
      if (!scheduled) setImmediate(drain)
      scheduled = true
    },
  }
}

/** One transaction for all; if it fails, each in one of its own, so that one failing write does not fail its group. */
function commit(
  opened: Opened,
  calls: StoreCalls,
  group: readonly Call[],
  onBroken: (error: StoreError) => void,
): void {
  const results = transaction(opened, () => group.map((call) => ({ value: invoke(calls, call) })))
  if ('error' in results && results.error.reason === 'gone') {
    onBroken(results.error)
    for (const call of group) call.answer(results)
  } else if ('error' in results && group.length > 1) {
    for (const call of group) commit(opened, calls, [call], onBroken)
  } else {
    for (const [i, call] of group.entries())
      call.answer('error' in results ? results : (results.value[i] as CallResult))
  }
}

/**
 * Returns a function that runs a call which deletes. It is answered once what was deleted is in no file: committed, and the
 * write-ahead log folded into the database. On a full disk it uses the reserve. What was committed but not folded yet is
 * answered with an error, and asking again finishes it.
 */
function createErasure(opened: Opened, calls: StoreCalls) {
  /** What calls answer whose deletions are not folded yet. */
  const unfinished = new Map<string, unknown>()
  const once = (call: Call): CallResult => {
    // Asking again with other options is the same deletion.
    const key = JSON.stringify([call.name, ...call.args.slice(0, 2)])
    const result = transaction(opened, () => invoke(calls, call))
    if ('error' in result) return result
    const { value } = result
    if (hasErased(value)) unfinished.set(key, value)
    if (!unfinished.has(key)) return result
    if (!fold(opened)) {
      const message = 'it is deleted, but its text is still in the write-ahead log: there is no room to fold it'
      return { error: new StoreError('full', message) }
    }
    const answer = { value: unfinished.get(key) }
    unfinished.delete(key)
    return answer
  }
  return (call: Call): CallResult => {
    const result = once(call)
    if (!('error' in result) || result.error.reason !== 'full') return result
    opened.reserve.release()
    const again = once(call)
    opened.reserve.refill()
    return again
  }
}

/** Whether a call that deletes has deleted anything. */
function hasErased(value: unknown): boolean {
  if (typeof value === 'number') return value > 0
  if (value === 'removed') return true
  const { memories = [], responses = [] } = Object(value) as Partial<Receipt>
  return memories.length + responses.length > 0
}

/** Zeroes what deletions left in pages, and empties the write-ahead log into the database; false where that cannot be done. */
function fold(opened: Opened): boolean {
  const isWiped = wipeUnallocated(
    opened.database,
    (change) => !('error' in transaction(opened, change)) && scrub(opened.database),
  )
  if (!isWiped || !scrub(opened.database)) return false
  // One small commit, so that an empty log always means that somebody took it away (data-folder.ts).
  transaction(opened, () => opened.database.exec("UPDATE counter SET value = value + 1 WHERE name = 'scrubs'"))
  return true
}

type Result<T> = { readonly value: T } | { readonly error: StoreError }

/** Commits `work`, and checks that the files it went to are still those of the data folder. */
function transaction<T>({ database, files }: Opened, work: () => T): Result<T> {
  return attempt(() => {
    const value = inTransaction(database, work)
    files.verify()
    return value
  })
}

function invoke(calls: StoreCalls, call: Call): unknown {
  const method = calls[call.name] as (...args: readonly unknown[]) => unknown
  return method(...call.args)
}

function attempt<T>(work: () => T): Result<T> {
  try {
    return { value: work() }
  } catch (error) {
    return { error: toStoreError(error) }
  }
}
