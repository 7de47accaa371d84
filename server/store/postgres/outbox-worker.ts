/** Takes what turns and deletions changed from the outbox of the data folder to PostgreSQL. */
import { StoreError } from '../errors.ts'
import type { MemoryWork, PendingWork } from '../outbox-calls.ts'
import type { Store } from '../store.ts'
import type { StoreNote } from '../../vector-index/index-types.ts'
import type { Connection, Query } from './connection.ts'
import { drop, tell, type Dropped } from './write.ts'
import { bytes } from './rows.ts'

/** Turns that are moved in one transaction. */
const AT_ONCE = 100
/** PostgreSQL that could not be reached is asked again after so long, and after twice as long each further time. */
const RETRY_MS = 500
const MOST_RETRY_MS = 30_000

export interface OutboxWorker {
  /** Resolves when all that was pending is in PostgreSQL. Rejects with StoreError `away` where that cannot be reached. */
  flush(): Promise<void>
  /** Something is pending. */
  added(): void
  /** The same: it is moved in the background, and tried again where that fails. */
  wake(): void
  /** The rows that a deletion of these memories took, once it was flushed. */
  droppedOf(memories: readonly string[]): Dropped | null
  close(): Promise<void>
}

export function createOutboxWorker(
  store: Pick<Store, 'pendingMemories' | 'settleMemories'>,
  connection: Connection,
  note: (note: StoreNote) => void,
): OutboxWorker {
  // What an earlier process left.
  let isPending = true
  let running: Promise<void> = Promise.resolve()
  let retry: NodeJS.Timeout | null = null
  let wait = RETRY_MS
  let isClosed = false
  const dropped = new Map<string, Dropped>()

  const move = async (): Promise<void> => {
    while (isPending) {
      isPending = false
      try {
        const all = await store.pendingMemories(AT_ONCE)
        if (all.length === 0) return
        // Afterwards there may be more.
        isPending = true
        const results = await connection.transaction((query) => applyAll(query, all))
        for (const [key, rows] of results) dropped.set(key, rows)
        await store.settleMemories(all.map(({ seq }) => seq))
      } catch (error) {
        isPending = true
        throw error
      }
    }
  }
  const flush = (): Promise<void> => {
    if (!isPending) return running.catch(() => (isPending ? flush() : undefined))
    running = running.catch(() => undefined).then(move)
    return running
  }
  const inBackground = (): void => {
    retry = null
    flush().then(
      () => {
        if (wait > RETRY_MS)
          note({ level: 'info', text: 'PostgreSQL can be reached again: memories of turns are there' })
        wait = RETRY_MS
      },
      (error: unknown) => {
        if (isClosed) return
        const { message } = error as Error
        if (wait === RETRY_MS)
          note({
            level: 'warn',
            text: `memories of turns are kept in the data folder until they can be moved: ${message}`,
          })
        if (!(error instanceof StoreError)) return
        retry = setTimeout(inBackground, wait).unref()
        wait = Math.min(MOST_RETRY_MS, 2 * wait)
      },
    )
  }
  return {
    flush,
    added: () => void (isPending = true),
    wake() {
      isPending = true
      if (!retry) inBackground()
    },
    droppedOf(memories) {
      const key = keyOf(memories)
      const rows = dropped.get(key) ?? null
      dropped.delete(key)
      return rows
    },
    async close() {
      isClosed = true
      if (retry) clearTimeout(retry)
      await running.catch(() => undefined)
    },
  }
}

const keyOf = (memories: readonly string[]): string => memories.join(' ')

async function applyAll(query: Query, all: readonly PendingWork[]): Promise<Map<string, Dropped>> {
  const dropped = new Map<string, Dropped>()
  for (const { owner, work } of all) {
    if (work.kind === 'turn') await applyTurn(query, owner, work)
    else dropped.set(keyOf(work.memories), await applyErase(query, owner, work))
  }
  return dropped
}

async function applyTurn(query: Query, owner: string, work: MemoryWork & { readonly kind: 'turn' }): Promise<void> {
  await tell(query, owner, work.told)
  const used = `INSERT INTO mneme_use (response, seq)
    SELECT $1, seq FROM mneme_memory AS memory JOIN mneme_scope AS scope ON scope.scope = memory.scope
    WHERE owner = $2 AND id = ANY($3) ON CONFLICT DO NOTHING`
  if (work.read.length > 0) await query(used, [work.response, bytes(owner), work.read])
}

async function applyErase(
  query: Query,
  owner: string,
  { memories, responses }: MemoryWork & { readonly kind: 'erase' },
): Promise<Dropped> {
  await query('DELETE FROM mneme_use WHERE response = ANY($1)', [responses])
  const seqs = `SELECT seq FROM mneme_memory AS memory JOIN mneme_scope AS scope ON scope.scope = memory.scope
    WHERE owner = $1 AND id = ANY($2)`
  const { rows } = await query<{ seq: number }>(seqs, [bytes(owner), memories])
  return drop(
    query,
    rows.map(({ seq }) => seq),
  )
}
