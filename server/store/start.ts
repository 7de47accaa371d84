/** Starts the store's thread. */
import { sibling, startThread } from '../thread.ts'
import { connectStore } from './client.ts'
import { StoreError } from './errors.ts'
import type { StoreOptions } from './messages.ts'
import type { Store } from './store.ts'

/** The store over a data folder, in a thread of its own. */
export function startStore(options: StoreOptions): Store {
  const thread = startThread(sibling('./worker', import.meta.url), options)
  const store = connectStore(thread)
  let closing = false
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
  const fail = (message: string): void => {
    if (!closing) store.fail(new StoreError('gone', message))
  }
  thread.on('error', (error: Error) => fail(`the store's thread failed: ${error.message}`))
  thread.on('exit', () => fail("the store's thread has ended"))
  return {
    ...store,
    // The database's lock goes with the thread.
    async close() {
      closing = true
      const asked = await store.close()
      if (!asked) await thread.terminate()
      await ended
    },
  }
}
