/** What a store keeps of memories: texts that a tenant wants remembered across conversations. */

/** A memory. Times are milliseconds since 1970. */
export interface Memory {
  readonly id: string
  readonly namespace: string
  /** Whom it is about, within the namespace; null: nobody in particular. */
  readonly user: string | null
  readonly text: string
  readonly metadata: Readonly<Record<string, string>>
  readonly created: number
  readonly updated: number
  /** From when on it is not found any more; null: never. */
  readonly expires: number | null
}

/** A vector of a text, and the sha256 of the bundle that made it. */
export interface MadeVector {
  readonly embedder: string
  readonly vector: Float32Array
}

/** Whose memories are meant: of a namespace, or of all; of a user, or of everybody. */
export interface MemoryFilter {
  readonly namespace: string | null
  readonly user: string | null
}

export interface MemoryPage extends MemoryFilter {
  readonly limit: number
  /** Those that follow this one in the order of their making; null: from the beginning. */
  readonly after: string | null
  readonly order: 'asc' | 'desc'
}

export interface MemoryQuery {
  readonly namespace: string
  readonly user: string | null
  /** Metadata that a memory must have. */
  readonly metadata: Readonly<Record<string, string>>
  readonly text: string
  /** Of the text; null: memories are found by words only. */
  readonly made: MadeVector | null
  readonly limit: number
}

export interface MemoryHit {
  readonly memory: Memory
  /** Of both lists together. */
  readonly score: number
  /** BM25 of the query's words; null where the memory has none of them. */
  readonly words: number | null
  /** Inner product of the vectors; null where the memory is not among the nearest. */
  readonly similarity: number | null
}

export interface MemoryEvent {
  readonly kind: 'added' | 'updated'
  readonly time: number
  /** What the memory was from then on. */
  readonly text: string
  readonly metadata: Readonly<Record<string, string>>
}

export interface MemoryChange {
  readonly text: string
  readonly metadata: Readonly<Record<string, string>>
  readonly expires: number | null
  readonly updated: number
}

/** A memory without a vector of an embedder. */
export interface UnembeddedMemory {
  readonly owner: string
  readonly id: string
  readonly text: string
}

/** Every call names the owner: there is none that crosses owners but for the two that the server itself makes. */
export interface MemoryCalls {
  /** Returns what is there: the memory, or an earlier one of the same user, namespace and text. */
  addMemory(
    owner: string,
    memory: Memory,
    made: MadeVector | null,
  ): { readonly memory: Memory; readonly added: boolean }
  /** Throws StoreError `corrupt` where it is not what was written. */
  findMemory(owner: string, id: string): Memory | null
  listMemories(owner: string, page: MemoryPage): Memory[]
  memoryNamespaces(owner: string): { readonly namespace: string; readonly memories: number }[]
  searchMemories(owner: string, query: MemoryQuery): MemoryHit[]
  /** `taken`: another memory of the same user and namespace has that text. */
  changeMemory(owner: string, id: string, change: MemoryChange, made: MadeVector | null): Memory | 'unknown' | 'taken'
  /** Oldest first; null where there is no such memory. */
  memoryHistory(owner: string, id: string): MemoryEvent[] | null
  /** Deletes a memory with its history, and overwrites them on disk; returns how many there were. */
  removeMemory(owner: string, id: string): number
  /** The same for all that the filter chooses. */
  removeMemories(owner: string, filter: MemoryFilter): number
  /** The same for those of all owners whose time is over. */
  expireMemories(): number
  /** Memories, of all owners, without a vector of this embedder. */
  unembeddedMemories(embedder: string, limit: number): UnembeddedMemory[]
  /** Gives a memory its vector, if its text is still that one. */
  embedMemory(owner: string, id: string, text: string, made: MadeVector): boolean
}
