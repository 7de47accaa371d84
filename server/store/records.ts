/** What the store keeps: one row per stored response, and the state that belongs to it. */
import type { Checkpoint } from '../engine/messages.ts'

/** A stored response without its state. Ids are opaque here; `document` is the caller's own JSON. */
export interface TurnRecord {
  readonly id: string
  /** Who may see it. */
  readonly owner: string
  /** The response that it continues; null for the first of a session. */
  readonly parent: string | null
  /** The first response of its session. */
  readonly root: string
  /** Turns before it in its line. */
  readonly depth: number
  readonly created: number
  readonly model: string
  readonly bundle: string
  /** Request and response as JSON text. */
  readonly document: string
  /** The turn's own prompt tokens, without the parent's pending ones. */
  readonly prompt: readonly number[]
  readonly generated: readonly number[]
  readonly pending: readonly number[]
  readonly position: number
  /** Length of the prefill chunks that made the state. */
  readonly chunk: number
}

export type StateLookup =
  | { readonly kind: 'kept'; readonly state: Uint8Array }
  /** Pruned by the retention policy: to be rebuilt. */
  | { readonly kind: 'pruned' }
  /** Its bytes are not what was written. */
  | { readonly kind: 'corrupted' }

export interface Found {
  readonly record: TurnRecord
  readonly state: StateLookup
  /** Another response already continues it. */
  readonly continued: boolean
}

/** Where a pruned state can be rebuilt from: `turns` in order, the first continuing `from` (null: the zero state). */
export interface Lineage {
  readonly from: Checkpoint | null
  readonly turns: readonly TurnRecord[]
}

/** The data folder cannot be used, or a write did not reach the disk. */
export class StoreError extends Error {
  override name = 'StoreError' as const
}

/** Calls of the store, all answered in the order in which they were made. */
export interface StoreCalls {
  /** Resolves once the turn is on disk. */
  put(record: TurnRecord, state: Uint8Array): void
  find(owner: string, id: string): Found | null
  /** Null when the line cannot be followed back to a state that is still right. */
  lineage(id: string): Lineage | null
  /** Puts back a state that was rebuilt; `pinned` exempts it from the retention policy. */
  restore(id: string, state: Uint8Array, pinned: boolean): void
  /** Ids of the responses that continue `id` and can only be rebuilt through it. */
  dependants(id: string): string[]
  /**
   * Text, tokens and state are overwritten on disk. `needed`: others can only be rebuilt through it, and `force`, which
   * takes it away from them, was not given.
   */
  remove(owner: string, id: string, force: boolean): 'removed' | 'unknown' | 'needed'
  statistics(): StoreStatistics
}

export interface StoreStatistics {
  readonly responses: number
  readonly sessions: number
  readonly states: number
  readonly stateBytes: number
  readonly journal: string
  readonly synchronous: string
}

/** The same calls from another thread. */
export type Store = {
  [K in keyof StoreCalls]: (...args: Parameters<StoreCalls[K]>) => Promise<ReturnType<StoreCalls[K]>>
} & {
  readonly ready: Promise<void>
  close(): Promise<void>
}
