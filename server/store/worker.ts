/** Entry of the store's thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from './database.ts'
import { toStoreError } from './errors.ts'
import type { FromStore, StoreOptions, ToStore } from './messages.ts'
import { hasOutbox } from './outbox.ts'
import { createQueue, type CallResult } from './queue.ts'
import type { MemoryQuery } from './memory-calls.ts'
import { createTurns } from './turns.ts'
import { createVectorSearch } from './vector-search.ts'

/** How often prefixes are looked for that nobody has used for too long, and memories whose time is over. */
const EXPIRE_MS = 10 * 60 * 1000
/** How often it is looked for memories that were written since. */
const CONSOLIDATE_MS = 1000

const ELSEWHERE =
  'memories of this data folder are in PostgreSQL, and are not found while --memory-store does not name it'

if (parentPort) {
  const port = parentPort
  const {
    folder,
    maxPages,
    vectorIndex = { threshold: 0 },
    ...retention
  } = (workerData as { payload: StoreOptions }).payload
  const send = (message: FromStore): void => port.postMessage(message)
  const broken = (error: unknown): void => {
    const { reason, message } = toStoreError(error)
    send({ kind: 'broken', reason, message })
  }
  const answer = (id: number, result: CallResult): void => {
    if ('error' in result) {
      const { reason, message } = result.error
      send({ kind: 'failure', id, reason, message })
    } else send({ kind: 'answer', id, value: result.value })
  }
  try {
    const opened = openDatabase(folder, maxPages)
    const search = createVectorSearch(opened.database, folder, vectorIndex, (note) => send({ kind: 'note', ...note }))
    const turns = createTurns(opened.database, retention, {
      search,
      freeBytes: () => opened.files.freeBytes(),
      tell: (damage) => send({ kind: 'damage', damage }),
    })
    /** Searches that wait for an index. */
    const asked = new Set<Promise<void>>()
    const queue = createQueue(opened, turns, broken)
    port.on('message', ({ id, name, args }: ToStore) => {
      const run = (all: readonly unknown[]): void => {
        if (name !== 'close') queue.push({ name, args: all, answer: (result) => answer(id, result) })
      }
      if (name === 'searchMemories') {
        const [owner, query] = args as [string, MemoryQuery]
        // The search itself runs when the index has answered, on what the store has then.
        const near = search.ask(owner, query)?.then((found) => run([owner, query, found]))
        if (!near) return run(args)
        asked.add(near)
        void near.then(() => asked.delete(near))
      } else if (name === 'close') {
        search.close()
        void Promise.all(asked).then(() => {
          queue.drain()
          opened.close()
          send({ kind: 'answer', id, value: undefined })
          port.close()
        })
      } else run(args)
    })
    const expire = (): void => {
      for (const name of ['expirePrefixes', 'expireMemories', 'expireObjects'] as const)
        queue.push({ name, args: [], answer: () => undefined })
    }
    expire()
    setInterval(expire, EXPIRE_MS).unref()
    /** One memory after the other, each in a transaction of its own, and behind what waits for the store meanwhile. */
    const consolidate = (): void =>
      queue.push({
        name: 'consolidateMemories',
        args: [],
        answer(result) {
          const more = 'value' in result && result.value === true
          setTimeout(consolidate, more ? 0 : CONSOLIDATE_MS).unref()
        },
      })
    if (retention.consolidation !== false) consolidate()
    const isElsewhere = hasOutbox(opened.database) && retention.memoriesElsewhere !== true
    send({ kind: 'opened', notes: [...opened.notes, ...(isElsewhere ? [ELSEWHERE] : [])] })
  } catch (error) {
    broken(error)
    port.close()
  }
}
