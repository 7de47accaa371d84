/** What a store keeps of Anthropic's memory stores: texts at paths, and the versions that they had. Times are milliseconds since 1970. */
import type { Memory } from './memory-calls.ts'
import type { StoredObject } from './object-calls.ts'

/** A text that is to be at a path. */
export interface StoreMemoryWrite {
  readonly store: string
  /** Of the memory. */
  readonly id: string
  readonly isNew: boolean
  /** Null: as before. */
  readonly path: string | null
  readonly text: string | null
  /** The sha256 that the text has to have before; null: any. */
  readonly expected: string | null
  /** The id of the version that it makes. */
  readonly version: string
  readonly time: number
  /** The pieces of the new text, for the search. */
  readonly chunks: readonly Memory[]
}

/** Why nothing was written. `precondition`: the text is another one. `path`: a memory is there, above it or below it. */
export type StoreMemoryProblem =
  | { readonly problem: 'unknown' | 'precondition' }
  | { readonly problem: 'path'; readonly path: string; readonly id: string }

export interface MemoryStoreCalls {
  /** Returns the memory; nothing is written, and no version made, where it is that already. */
  writeStoreMemory(
    owner: string,
    write: StoreMemoryWrite,
  ): { readonly memory: StoredObject; readonly chunks: readonly Memory[] } | StoreMemoryProblem
  /**
   * Deletes a memory and the text of all its versions, and overwrites them on disk. The versions stay, redacted, and one
   * that says that it was deleted.
   */
  removeStoreMemory(
    owner: string,
    place: { readonly store: string; readonly id: string },
    how: { readonly expected: string | null; readonly version: string; readonly time: number },
  ): 'removed' | 'unknown' | 'precondition'
  /** Deletes text, path and hash of a version, and overwrites them on disk. `current`: the memory has that text now. */
  redactVersion(
    owner: string,
    place: { readonly store: string; readonly id: string },
    time: number,
  ): 'removed' | 'unknown' | 'current'
}
