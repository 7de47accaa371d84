/** Starts the store's thread. */
import { sibling, startThread } from '../thread.ts'
import { connectStore } from './client.ts'
import type { StoreOptions } from './messages.ts'
import type { Store } from './records.ts'

/** The store in a thread of its own; `onBroken` is called if that thread dies, which nothing can mend. */
export function startStore(options: StoreOptions, onBroken: (reason: string) => void): Store {
  const thread = startThread(sibling('./worker', import.meta.url), options)
  const store = connectStore(thread)
  let closing = false
  const fail = (reason: string): void => {
    if (closing) return
    store.fail(reason)
    onBroken(reason)
  }
  thread.on('error', (error: Error) => fail(`the store failed: ${error.message}`))
  thread.on('exit', () => fail('the store has stopped'))
  const close = async (): Promise<void> => {
    closing = true
    await store.close()
  }
  return { ...store, close }
}
