/** What a store keeps of Anthropic's memory stores: texts at paths, and the versions that they had. Times are milliseconds since 1970. */
import type { Memory } from './memory-calls.ts'
import type { StoredObject } from './object-calls.ts'

/** Bodies of the objects (object-calls.ts). */
export interface MemoryStoreBodies {
  memory_store: {
    readonly name: string
    readonly description: string
    readonly metadata: Readonly<Record<string, string>>
    readonly created: number
    readonly updated: number
    readonly archived: number | null
  }
  /** A text at a path: `parent` is the memory store, `label` the path, `tag` its version; its content is the text. */
  store_memory: { readonly sha256: string; readonly created: number; readonly updated: number }
  /**
   * What a memory was from a time on: `parent` is the memory store, `label` what was done to it, `tag` the memory. The path
   * and the text's sha256 are null where it was redacted, the sha256 and the text where the memory was deleted.
   */
  memory_version: {
    readonly path: string | null
    readonly sha256: string | null
    readonly created: number
    readonly redacted: number | null
  }
}

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
