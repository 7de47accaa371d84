/** What a store keeps of memories: texts that a tenant wants remembered across conversations. */
import type { Topic } from '../memory/facts/fact.ts'
import type { Near } from '../vector-index/index-types.ts'

/** Where a user said it: in which turn, and between which UTF-16 units of what the user wrote in it. */
export interface Source {
  readonly response: string
  /** The first turn of the conversation. */
  readonly conversation: string
  readonly start: number
  readonly end: number
}

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
  /** Null: it was given by its tenant, not taken from a turn. */
  readonly source: Source | null
  /** What it says, where a rule has read it. */
  readonly fact: (Topic & { readonly value: string }) | null
  /** Since when it does not hold any more: something said later took its place. Null: it holds. */
  readonly ended: number | null
}

/** What one sentence of a turn's user does to the memories of a user and namespace. */
export interface ToldMemory {
  readonly namespace: string
  readonly user: string | null
  /** Ids of memories that do not hold any more. */
  readonly ends: readonly string[]
  /** Null: nothing new is to be remembered. */
  readonly memory: Memory | null
}

/** A vector of a text, and the sha256 of the bundle that made it. */
export interface MadeVector {
  readonly embedder: string
  readonly vector: Float32Array
}

/** A text whose vector is there already, so that it need not be computed again. */
export interface EmbeddedText {
  readonly text: string
  readonly made: MadeVector
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
  /** Null: of everybody. '': of nobody in particular. */
  readonly user: string | null
  /** Of any of these, in place of `user`. */
  readonly users?: readonly string[]
  /** What is asked for, where a rule has read it. */
  readonly topics: readonly Topic[]
  /** Also those that do not hold any more. */
  readonly ended: boolean
  /** Metadata that a memory must have. */
  readonly metadata: Readonly<Record<string, string>>
  readonly text: string
  /** Of the text; null: memories are found by words only. */
  readonly made: MadeVector | null
  readonly limit: number
}

export interface FactQuery {
  readonly namespace: string
  readonly user: string | null
  /** Null: on all. */
  readonly topics: readonly Topic[] | null
  /** Also those that do not hold any more. */
  readonly ended: boolean
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
  /** 0 to 1: how surely it is about a topic that is asked for; null where it is about none. */
  readonly topic: number | null
}

export interface TextsQuery {
  readonly namespace: string
  readonly user: string | null
  /** Whether those are meant that do not hold any more. */
  readonly ended: boolean
  readonly texts: readonly string[]
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

/** Memories that say the same and are one entry of a search. */
export interface MemoryGroup {
  /** The id of the one that stands for it; null where it stands for itself. */
  readonly into: string | null
  readonly members: readonly Memory[]
}

/** Every call names the owner: there is none that crosses owners but for the two that the server itself makes. */
export interface MemoryCalls {
  /** Returns what is there: the memory, or an earlier one of the same user, namespace and text. */
  addMemory(
    owner: string,
    memory: Memory,
    made: MadeVector | null,
  ): { readonly memory: Memory; readonly added: boolean }
  /** Writes what a user said, in the order of the sentences. */
  tellMemories(owner: string, told: readonly ToldMemory[]): void
  /** Throws StoreError `corrupt` where it is not what was written. */
  findMemory(owner: string, id: string): Memory | null
  listMemories(owner: string, page: MemoryPage): Memory[]
  /** Facts of a user, told last first: on these topics, or on all. */
  factsOf(owner: string, query: FactQuery): Memory[]
  /** How often memories of a namespace have changed since the store was opened; null: it does not know. */
  changesOf(owner: string, namespace: string): number | null
  /** The topics, in one spelling, of a user's facts that hold. */
  topicsOf(owner: string, whose: Pick<FactQuery, 'namespace' | 'user'>): Topic[]
  /** Those of the texts that are remembered of a user word for word and hold, or with `ended` do not hold any more. */
  keptTexts(owner: string, query: TextsQuery): string[]
  memoryNamespaces(owner: string): { readonly namespace: string; readonly memories: number }[]
  /** `near`: what an index of vectors has found for the query; the store itself asks it. */
  searchMemories(owner: string, query: MemoryQuery, near?: Near | null): MemoryHit[]
  /** `taken`: another memory of the same user and namespace has that text. */
  changeMemory(owner: string, id: string, change: MemoryChange, made: MadeVector | null): Memory | 'unknown' | 'taken'
  /** Oldest first; null where there is no such memory. */
  memoryHistory(owner: string, id: string): MemoryEvent[] | null
  /** The memories that stand behind this one in searches, and behind which one it stands; null: there is no such memory. */
  memoryGroup(owner: string, id: string): MemoryGroup | null
  /** Compares one memory that was written lately with the others of its user; false where none is left. */
  consolidateMemories(): boolean
  /** Deletes those of all owners whose time is over, and overwrites them on disk; returns how many there were. */
  expireMemories(): number
  /** Memories, of all owners, without a vector of this embedder. */
  unembeddedMemories(embedder: string, limit: number): UnembeddedMemory[]
  /** Gives a memory its vector, if its text is still that one. */
  embedMemory(owner: string, id: string, text: string, made: MadeVector): boolean
}
