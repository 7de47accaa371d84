/** The HTTP thread's side of the store. */
import type { Port } from '../thread.ts'
import { OPENED, type FromStore } from './messages.ts'
import { StoreError, type Store, type StoreCalls } from './records.ts'

/** The store at the other end of `port`. Every call rejects with StoreError when it did not take effect. */
export function connectStore(port: Port): Store & { fail(reason: string): void } {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let lastId = OPENED
  let broken: string | null = null

  const expect = <T>(id: number): Promise<T> =>
    new Promise((resolve, reject) => waiting.set(id, { resolve: resolve as (value: unknown) => void, reject }))
  const call =
    <K extends keyof StoreCalls>(name: K) =>
    (...args: Parameters<StoreCalls[K]>): Promise<ReturnType<StoreCalls[K]>> => {
      if (broken !== null) return Promise.reject(new StoreError(broken))
      const id = ++lastId
      port.postMessage({ id, name, args })
      return expect(id)
    }
  port.on('message', (message) => {
    const { id, value, error } = message as FromStore
    const caller = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) caller?.resolve(value)
    else caller?.reject(new StoreError(error))
  })
  const ready = expect<void>(OPENED)
  ready.catch(() => undefined)
  return {
    ready,
    put: call('put'),
    find: call('find'),
    lineage: call('lineage'),
    restore: call('restore'),
    dependants: call('dependants'),
    remove: call('remove'),
    statistics: call('statistics'),
    fail(reason) {
      broken = reason
      for (const { reject } of waiting.values()) reject(new StoreError(reason))
      waiting.clear()
    },
    async close() {
      if (broken !== null) return
      const id = ++lastId
      port.postMessage({ id, name: 'close', args: [] })
      await expect(id)
    },
  }
}
