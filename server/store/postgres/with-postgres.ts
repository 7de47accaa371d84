/** A store whose memories are in PostgreSQL; all else, the log of turns and pieces of files too, stays in the data folder. */
import type { MemoryCalls } from '../memory-calls.ts'
import { isAway } from '../errors.ts'
import { isOwnerOfChunks } from '../object-calls.ts'
import type { Store } from '../store.ts'
import type { StoreNote } from '../../vector-index/index-types.ts'
import { connectPostgres, type Connection, type Query } from './connection.ts'
import { eraseBoth } from './erase.ts'
import { createOutboxWorker, type OutboxWorker } from './outbox-worker.ts'
import { factsOf, keptTexts, listMemories, memoryHistory, memoryNamespaces, topicsOf } from './read.ts'
import { bytes, memoryOf } from './rows.ts'
import { searchMemories } from './search.ts'
import { addMemory, changeMemory, drop, memoriesById, setVector, tell } from './write.ts'

/** How often memories are looked for whose time is over. */
const EXPIRE_MS = 10 * 60 * 1000

type AsyncMemories = Pick<Store, keyof MemoryCalls>

/** `store` writes memories of turns into its outbox (`memoriesElsewhere`). */
export function withPostgres(store: Store, url: string): Store {
  const listeners: ((note: StoreNote) => void)[] = []
  const note = (one: StoreNote): void => {
    for (const listener of listeners) listener(one)
  }
  let opened: Promise<{ connection: Connection; outbox: OutboxWorker }> | null = null
  const open = () =>
    (opened ??= store.folderOfMemories().then(({ id }) => {
      const connection = connectPostgres(url, id)
      return { connection, outbox: createOutboxWorker(store, connection, note) }
    }))
  /** What turns have changed before is there first. */
  const run = async <T>(work: (query: Query) => Promise<T>): Promise<T> => {
    const { connection, outbox } = await open()
    await outbox.flush()
    return connection.transaction(work)
  }
  const there = postgresMemories(run)
  const expire = setInterval(() => void there.expireMemories().catch(() => undefined), EXPIRE_MS).unref()
  /** Pieces of files are found as memories are, and stay with their files. */
  const routed = Object.fromEntries(
    Object.entries(there).map(([name, call]) => {
      const here = store[name as keyof MemoryCalls] as (...args: unknown[]) => Promise<unknown>
      const route = (...args: unknown[]): Promise<unknown> =>
        isOwnerOfChunks(String(args[0])) ? here(...args) : (call as (...args: unknown[]) => Promise<unknown>)(...args)
      return [name, route]
    }),
  ) as AsyncMemories
  return {
    ...store,
    ...routed,
    ready: readiness(),
    async statistics() {
      const statistics = await store.statistics()
      const { connection } = await open()
      const { pending } = statistics.memoryStore
      return { ...statistics, memoryStore: { kind: 'postgresql', pending, reachable: connection.isReachable() } }
    },
    async put(...args) {
      const isKept = await store.put(...args)
      const { told = [], read = [] } = args[2] ?? {}
      if (told.length + read.length > 0) (await open()).outbox.wake()
      return isKept
    },
    async erase(owner, target, options) {
      const { connection, outbox } = await open()
      return eraseBoth(store, connection, outbox, owner, target, options)
    },
    async expireMemories() {
      return (await store.expireMemories()) + (await there.expireMemories())
    },
    async unembeddedMemories(embedder, limit) {
      const here = await store.unembeddedMemories(embedder, limit)
      return here.length > 0 ? here : there.unembeddedMemories(embedder, limit)
    },
    consolidateMemories: () => store.consolidateMemories(),
    onNote(listener) {
      listeners.push(listener)
      store.onNote(listener)
    },
    async close() {
      await close()
    },
  }

  async function close(): Promise<void> {
    clearInterval(expire)
    const parts = await opened?.catch(() => null)
    await parts?.outbox.close()
    await Promise.all([parts?.connection.close(), store.close()])
  }

  /** A server that is away is no reason not to start; one that cannot be used is. */
  async function readiness(): Promise<readonly string[]> {
    const notes = [...(await store.ready)]
    const { memories } = await store.folderOfMemories()
    if (memories > 0) notes.push(kept(memories))
    try {
      await run(() => Promise.resolve())
    } catch (error) {
      if (!isAway(error)) {
        await close()
        throw error
      }
      notes.push(`${(error as Error).message}. Turns go on without memories until it can be reached.`)
    }
    return notes
  }
}

const kept = (memories: number): string =>
  `${memories} memories of this data folder are in its own database, and are not found while --memory-store is set`

function postgresMemories(run: <T>(work: (query: Query) => Promise<T>) => Promise<T>): AsyncMemories {
  return {
    addMemory: (owner, memory, made) => run((query) => addMemory(query, owner, memory, made)),
    tellMemories: (owner, told) => run((query) => tell(query, owner, told)),
    findMemory: (owner, id) =>
      run(async (query) => {
        const [row] = await memoriesById(query, owner, [id])
        return row ? memoryOf(row) : null
      }),
    listMemories: (owner, page) => run((query) => listMemories(query, owner, page)),
    factsOf: (owner, asked) => run((query) => factsOf(query, owner, asked)),
    // Another program may change them.
    changesOf: () => Promise.resolve(null),
    topicsOf: (owner, whose) => run((query) => topicsOf(query, owner, whose)),
    keptTexts: (owner, asked) => run((query) => keptTexts(query, owner, asked)),
    memoryNamespaces: (owner) => run((query) => memoryNamespaces(query, owner)),
    searchMemories: (owner, asked) => run((query) => searchMemories(query, owner, asked)),
    changeMemory: (owner, id, change, made) => run((query) => changeMemory(query, owner, id, change, made)),
    memoryHistory: (owner, id) =>
      run(async (query) => {
        const [row] = await memoriesById(query, owner, [id])
        return row ? memoryHistory(query, row.seq) : null
      }),
    // Memories that say the same are not put together here.
    memoryGroup: (owner, id) =>
      run(async (query) => {
        const [row] = await memoriesById(query, owner, [id])
        return row ? { into: null, members: [] } : null
      }),
    consolidateMemories: () => Promise.resolve(false),
    expireMemories: () =>
      run(async (query) => {
        const over = 'SELECT seq FROM mneme_memory WHERE expires <= $1'
        const { rows } = await query<{ seq: number }>(over, [Date.now()])
        const { memories } = await drop(
          query,
          rows.map(({ seq }) => seq),
        )
        return memories
      }),
    unembeddedMemories: (embedder, limit) =>
      run(async (query) => {
        const without = `SELECT owner, id, text FROM mneme_memory AS memory JOIN mneme_scope AS scope
          ON scope.scope = memory.scope WHERE embedder IS DISTINCT FROM $1 ORDER BY seq LIMIT $2`
        const { rows } = await query<{ owner: Buffer; id: string; text: Buffer }>(without, [embedder, limit])
        return rows.map(({ owner, id, text }) => ({ owner: owner.toString(), id, text: text.toString() }))
      }),
    embedMemory: (owner, id, text, made) =>
      run(async (query) => {
        const [row] = await memoriesById(query, owner, [id])
        if (!row?.text.equals(bytes(text))) return false
        await setVector(query, row.seq, made)
        return true
      }),
  }
}
