/** What the HTTP thread and the store's thread say to each other. */
import type { StoreFailure } from './errors.ts'
import type { VectorIndexOptions } from '../vector-index/index-types.ts'
import type { StoreNote } from '../vector-index/index-types.ts'
import type { Damage, StoreCalls } from './store.ts'

/** What the thread is started with. */
export interface StoreOptions {
  readonly folder: string
  readonly keepStates: number
  readonly replayTokens: number
  /** Bytes of all states at most, but for the one that was written last. */
  readonly stateBytes: number
  /** Bytes of all prefixes of prompts at most. */
  readonly prefixBytes: number
  /** Turns of an owner that are found by search, at most. */
  readonly memoryEntries?: number
  /** Whether memories that say the same are one entry of a search. */
  readonly consolidation?: boolean
  /** Memories of turns are in another store, which gets them from the outbox. */
  readonly memoriesElsewhere?: boolean
  /** Upper limit of the database's size in pages of 4 KiB. */
  readonly maxPages?: number
  /** Vectors of a namespace from which on they are indexed; 0: never, which is so unless given. */
  readonly vectorIndex?: VectorIndexOptions
}

export type ToStore = {
  readonly id: number
  readonly name: keyof StoreCalls | 'close'
  readonly args: readonly unknown[]
}

export type FromStore =
  | { readonly kind: 'opened'; readonly notes: readonly string[] }
  | { readonly kind: 'damage'; readonly damage: Damage }
  | ({ readonly kind: 'note' } & StoreNote)
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly reason: StoreFailure; readonly message: string }
  /** The data folder could not be opened, or is gone. */
  | { readonly kind: 'broken'; readonly reason: StoreFailure; readonly message: string }
