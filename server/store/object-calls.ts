/** What a store keeps of the objects that OpenAI's and Anthropic's APIs have for memory: files, vector stores, memory stores. */
import type { ConversationItem } from './conversation-calls.ts'
import type { Memory } from './memory-calls.ts'
import type { MemoryStoreBodies } from './memory-store-bodies.ts'

/** The objects, by kind, and what is kept of each besides its keys. Times are milliseconds since 1970. */
export interface ObjectBodies extends MemoryStoreBodies {
  /** A text that was uploaded; its bytes are its content. */
  file: { readonly name: string; readonly purpose: string; readonly created: number }
  vector_store: {
    readonly name: string
    readonly description: string | null
    readonly metadata: Readonly<Record<string, string>>
    readonly created: number
    /** When it was last searched or changed. */
    readonly active: number
    /** Days after `active` until it expires; null: never. */
    readonly days: number | null
  }
  /** A file in a vector store: `parent` is the vector store, `id` the file, `label` its status, `tag` its batch. */
  vector_store_file: {
    readonly attributes: Readonly<Record<string, string | number | boolean>>
    readonly chunking: { readonly size: number; readonly overlap: number }
    readonly created: number
    readonly error: string | null
  }
  /** A conversation: `label` is the response that it goes on from, empty before its first turn. `created` is in seconds. */
  conversation: {
    readonly created: number
    readonly metadata: Readonly<Record<string, string>>
    readonly added: readonly ConversationItem[]
  }
  /** Files that were put into a vector store together. `label` is `cancelled` once it was, else empty. */
  file_batch: { readonly created: number }
}

export type ObjectKind = keyof ObjectBodies

/** Which object is meant. */
export interface ObjectKey<K extends ObjectKind = ObjectKind> {
  readonly kind: K
  /** The id of what it belongs to; '' for nothing. */
  readonly parent: string
  readonly id: string
}

export interface StoredObject<K extends ObjectKind = ObjectKind> extends ObjectKey<K> {
  /** Two values by which objects of a kind are listed and counted; what they are depends on the kind. */
  readonly label: string
  readonly tag: string
  /** Bytes of its text. */
  readonly bytes: number
  /** From when on it is not there any more; null: never. */
  readonly expires: number | null
  readonly body: ObjectBodies[K]
}

export interface ObjectChange<K extends ObjectKind = ObjectKind> {
  readonly label?: string
  readonly bytes?: number
  readonly expires?: number | null
  /** Fields of the body that become others. */
  readonly body?: Partial<ObjectBodies[K]>
  /** Only where its label is this one. */
  readonly from?: string
}

export interface ObjectPage {
  readonly kind: ObjectKind
  readonly parent: string
  readonly label: string | null
  readonly tag: string | null
  readonly limit: number
  /** Between which objects, in the order that is asked for; null: from the beginning, to the end. */
  readonly after: string | null
  readonly before: string | null
  readonly order: 'asc' | 'desc'
}

export interface ObjectCount {
  readonly label: string
  readonly count: number
  readonly bytes: number
}

/** The status of a file in a vector store whose text is being cut, indexed and compared. */
export const IN_PROGRESS = 'in_progress'

/**
 * Pieces of files are kept as memories are, for the same search. Their owner is another one than that of the tenant's
 * memories, so that neither is ever found, listed or deleted with the other: no tenant's name has a line break (keys.ts).
 */
export function ownerOfChunks(owner: string): string {
  return `${owner}\nfiles`
}

export function isOwnerOfChunks(owner: string): boolean {
  return owner.endsWith('\nfiles')
}

/** Every call names the owner but for the two that the server itself makes. */
export interface ObjectCalls {
  /** Adds an object, or puts it in the place of the one with its key. */
  addObject(owner: string, object: StoredObject, content: Uint8Array | null): void
  /** Throws StoreError `corrupt` where it is not what was written. Null for one that has expired; vector stores stay. */
  findObject(owner: string, key: ObjectKey): StoredObject | null
  objectContent(owner: string, key: ObjectKey): Uint8Array | null
  listObjects(owner: string, page: ObjectPage): StoredObject[]
  /** How many there are of each label. */
  countObjects(owner: string, kind: ObjectKind, parent: string, tag: string | null): ObjectCount[]
  /** Null where it is not there. */
  changeObject(owner: string, key: ObjectKey, change: ObjectChange): StoredObject | null
  /**
   * Deletes an object with all that belongs to it, the pieces of a file everywhere included, and overwrites them on disk;
   * returns how many objects there were.
   */
  removeObject(owner: string, key: ObjectKey): number
  /** Adds pieces of a file to a vector store and returns what is there of them; null where the file is not being indexed. */
  addChunks(owner: string, store: string, file: string, chunks: readonly Memory[]): Memory[] | null
  /** Deletes the pieces of a file in a vector store, which stays there with this label; 0 where it was not there. */
  dropChunks(owner: string, place: { readonly store: string; readonly file: string }, label: string): number
  /** Deletes files whose time is over, and what is in vector stores whose time is over; returns how many. */
  expireObjects(): number
  /** Files, of all owners, that were being indexed. */
  unfinishedFiles(): { readonly owner: string; readonly store: string; readonly file: string }[]
}
