/** Entry of the store's thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from './database.ts'
import { toStoreError } from './errors.ts'
import type { FromStore, StoreOptions, ToStore } from './messages.ts'
import { createQueue, type CallResult } from './queue.ts'
import { createTurns } from './turns.ts'

/** How often prefixes are looked for that nobody has used for too long, and memories whose time is over. */
const EXPIRE_MS = 10 * 60 * 1000
/** How often it is looked for memories that were written since. */
const CONSOLIDATE_MS = 1000

if (parentPort) {
  const port = parentPort
  const { folder, maxPages, ...retention } = (workerData as { payload: StoreOptions }).payload
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
    const turns = createTurns(opened.database, retention, {
      freeBytes: () => opened.files.freeBytes(),
      tell: (damage) => send({ kind: 'damage', damage }),
    })
    const queue = createQueue(opened, turns, broken)
    port.on('message', ({ id, name, args }: ToStore) => {
      if (name === 'close') {
        queue.drain()
        opened.close()
        send({ kind: 'answer', id, value: undefined })
        port.close()
      } else queue.push({ name, args, answer: (result) => answer(id, result) })
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
    send({ kind: 'opened', notes: opened.notes })
  } catch (error) {
    broken(error)
    port.close()
  }
}
