/** The HTTP thread's side of the store. */
import { createDeferred } from '../deferred.ts'
import type { Port } from '../thread.ts'
import type { StoreNote } from '../vector-index/index-types.ts'
import { StoreError } from './errors.ts'
import type { FromStore } from './messages.ts'
import type { Damage, Store, StoreCalls } from './store.ts'

export type ConnectedStore = Omit<Store, 'close'> & {
  /** From now on every call fails with `error`. */
  fail(error: StoreError): void
  /** Whether the other end has closed; it cannot be asked after a failure. */
  close(): Promise<boolean>
}

/** The store at the other end of `port`. */
export function connectStore(port: Port): ConnectedStore {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let lastId = 0
  let failure: StoreError | null = null
  const damageListeners: ((damage: Damage) => void)[] = []
  const noteListeners: ((note: StoreNote) => void)[] = []
  const opening = createDeferred<readonly string[]>()
  const breaking = createDeferred<string>()

  const fail = (error: StoreError): void => {
    failure ??= error
    opening.reject(error)
    breaking.resolve(error.message)
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const send = (name: keyof StoreCalls | 'close', args: readonly unknown[]): Promise<unknown> => {
    if (failure) return Promise.reject(failure)
    const id = ++lastId
    port.postMessage({ id, name, args })
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
  }
  const call =
    <K extends keyof StoreCalls>(name: K) =>
    (...args: Parameters<StoreCalls[K]>): Promise<ReturnType<StoreCalls[K]>> =>
      send(name, args) as Promise<ReturnType<StoreCalls[K]>>

  port.on('message', (received) => {
    const message = received as FromStore
    if (message.kind === 'opened') return opening.resolve(message.notes)
    if (message.kind === 'damage') {
      for (const listener of damageListeners) listener(message.damage)
      return
    }
    if (message.kind === 'note') {
      for (const listener of noteListeners) listener({ level: message.level, text: message.text })
      return
    }
    if (message.kind === 'broken') return fail(new StoreError(message.reason, message.message))
    const caller = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.kind === 'answer') caller?.resolve(message.value)
    else caller?.reject(new StoreError(message.reason, message.message))
  })
  return {
    ready: opening.promise,
    broken: breaking.promise,
    onDamage: (listener) => void damageListeners.push(listener),
    onNote: (listener) => void noteListeners.push(listener),
    put: call('put'),
    find: call('find'),
    load: call('load'),
    hold: call('hold'),
    release: call('release'),
    history: call('history'),
    first: call('first'),
    listConversations: call('listConversations'),
    findConversation: call('findConversation'),
    conversationEnd: call('conversationEnd'),
    addConversation: call('addConversation'),
    changeConversation: call('changeConversation'),
    removeAdded: call('removeAdded'),
    lineage: call('lineage'),
    restore: call('restore'),
    putPrefix: call('putPrefix'),
    findPrefix: call('findPrefix'),
    prefixScopes: call('prefixScopes'),
    clearPrefixes: call('clearPrefixes'),
    expirePrefixes: call('expirePrefixes'),
    addMemory: call('addMemory'),
    tellMemories: call('tellMemories'),
    findMemory: call('findMemory'),
    listMemories: call('listMemories'),
    factsOf: call('factsOf'),
    changesOf: call('changesOf'),
    topicsOf: call('topicsOf'),
    keptTexts: call('keptTexts'),
    memoryNamespaces: call('memoryNamespaces'),
    searchMemories: call('searchMemories'),
    changeMemory: call('changeMemory'),
    memoryHistory: call('memoryHistory'),
    memoryGroup: call('memoryGroup'),
    consolidateMemories: call('consolidateMemories'),
    searchEpisodes: call('searchEpisodes'),
    embedEpisode: call('embedEpisode'),
    unembeddedEpisodes: call('unembeddedEpisodes'),
    erase: call('erase'),
    folderOfMemories: call('folderOfMemories'),
    pendingMemories: call('pendingMemories'),
    settleMemories: call('settleMemories'),
    turnsMeant: call('turnsMeant'),
    turnsAround: call('turnsAround'),
    eraseTurns: call('eraseTurns'),
    expireMemories: call('expireMemories'),
    unembeddedMemories: call('unembeddedMemories'),
    embedMemory: call('embedMemory'),
    addObject: call('addObject'),
    findObject: call('findObject'),
    objectContent: call('objectContent'),
    listObjects: call('listObjects'),
    countObjects: call('countObjects'),
    changeObject: call('changeObject'),
    removeObject: call('removeObject'),
    addChunks: call('addChunks'),
    dropChunks: call('dropChunks'),
    expireObjects: call('expireObjects'),
    unfinishedFiles: call('unfinishedFiles'),
    writeStoreMemory: call('writeStoreMemory'),
    removeStoreMemory: call('removeStoreMemory'),
    redactVersion: call('redactVersion'),
    statistics: call('statistics'),
    fail,
    async close() {
      if (failure) return false
      await send('close', [])
      return true
    },
  }
}
