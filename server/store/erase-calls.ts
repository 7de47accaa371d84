/** Deleting for good, and the receipt of it. */
import type { MemoryFilter } from './memory-calls.ts'

/** What is to be deleted. A conversation is named by its id, one that was not made first by its first response. */
export type EraseTarget =
  | { readonly kind: 'memory'; readonly id: string }
  | { readonly kind: 'memories'; readonly filter: MemoryFilter }
  | { readonly kind: 'response'; readonly id: string }
  | { readonly kind: 'conversation'; readonly id: string }

export interface EraseOptions {
  /** Also the responses that deleted memories were taken from. */
  readonly source: boolean
  /** Also the memories that say the same, the replies that repeated a deleted memory, and the turns whose states follow from what is deleted. */
  readonly cascade: boolean
  /** Also where turns that stay can only be rebuilt through what is deleted. */
  readonly force: boolean
}

/** What was deleted, and what stays that may still say it. Ids are those of the owner alone. */
export interface Receipt {
  /** Where memories were deleted besides the data folder. */
  readonly memoryStore?: 'postgresql'
  readonly memories: readonly string[]
  readonly responses: readonly string[]
  /** Rows of the memories' indices: their words, their vectors, their history, and which responses read them. */
  readonly index: { readonly words: number; readonly vectors: number; readonly history: number; readonly uses: number }
  readonly states: number
  /** Full pages of append state that nothing else shared. */
  readonly pages: number
  /** Memories that stay and say the same as the one that was to be deleted: they were one entry of a search with it. */
  readonly alike: readonly string[]
  /** Responses that stay and were made while a deleted memory was read: they may repeat it. */
  readonly repeatedBy: readonly string[]
  /** Responses that stay and that a deleted memory was taken from: they still have its text. */
  readonly sources: readonly string[]
  /** Responses that stay and whose states have read a response that was deleted, or one of the two lists above. */
  readonly followedBy: readonly string[]
}

/** Deletions of an owner. Nobody else's rows are looked at. */
export interface EraseCalls {
  /**
   * Deletes in one transaction, and overwrites on disk. `unknown`: there is no such memory, response or conversation.
   * `needed`: responses that stay can only be rebuilt through what is deleted and `force` is false, so nothing was deleted.
   */
  erase(
    owner: string,
    target: EraseTarget,
    options: EraseOptions,
  ): Receipt | 'unknown' | { readonly needed: readonly string[] }
}
