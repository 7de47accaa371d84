/** Entry of the store's thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from './database.ts'
import { createQueue } from './queue.ts'
import { createTurns } from './turns.ts'
import { OPENED, type FromStore, type StoreOptions, type ToStore } from './messages.ts'

if (parentPort) {
  const port = parentPort
  const { folder, keepStates, maxPages } = (workerData as { payload: StoreOptions }).payload
  try {
    const opened = openDatabase(folder, maxPages)
    const queue = createQueue(opened.database, createTurns(opened.database, keepStates))
    port.on('message', ({ id, name, args }: ToStore) => {
      if (name === 'close') {
        queue.drain()
        opened.close()
        port.postMessage({ id } satisfies FromStore)
        port.close()
      } else queue.push({ name, args, answer: (result) => port.postMessage({ id, ...result } satisfies FromStore) })
    })
    port.postMessage({ id: OPENED } satisfies FromStore)
  } catch (error) {
    port.postMessage({ id: OPENED, error: error instanceof Error ? error.message : String(error) } satisfies FromStore)
    port.close()
  }
}
