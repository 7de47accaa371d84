/** What a store keeps for another store that holds the memories: what turns changed there and is not there yet. */
import type { ToldMemory } from './memory-calls.ts'
import type { EraseTarget, Receipt } from './erase-calls.ts'

/** In the order in which it was written; doing any of it again changes nothing. */
export type MemoryWork =
  | {
      readonly kind: 'turn'
      readonly response: string
      readonly told: readonly ToldMemory[]
      readonly read: readonly string[]
    }
  | { readonly kind: 'erase'; readonly memories: readonly string[]; readonly responses: readonly string[] }

export interface PendingWork {
  readonly seq: number
  readonly owner: string
  readonly work: MemoryWork
}

export interface OutboxCalls {
  /** Names the data folder, and says how many memories it has itself. */
  folderOfMemories(): { readonly id: string; readonly memories: number }
  /** Oldest first. */
  pendingMemories(limit: number): PendingWork[]
  /** It is done in the other store, and goes. */
  settleMemories(seqs: readonly number[]): void
  /** The responses that a deletion means itself; null where there is no such response or conversation. */
  turnsMeant(owner: string, target: EraseTarget): string[] | null
  /** Of these responses those that are there, and the turns whose states follow from any of them. */
  turnsAround(owner: string, responses: readonly string[]): { readonly there: string[]; readonly after: string[] }
  /** Deletes responses, and writes down that these memories are to be deleted in the other store. */
  eraseTurns(
    owner: string,
    ids: { readonly memories: readonly string[]; readonly responses: readonly string[] },
    options: { readonly forever: boolean; readonly force: boolean },
  ): Receipt | { readonly needed: readonly string[] }
}
