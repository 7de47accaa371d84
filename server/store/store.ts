/** What a store does: the contract that any store fulfils (tests/server/store/contract.ts). */
import type { ConversationCalls } from './conversation-calls.ts'
import type { EpisodeCalls, NewEpisode } from './episode-calls.ts'
import type { EraseCalls } from './erase-calls.ts'
import type { MemoryCalls, ToldMemory } from './memory-calls.ts'
import type { MemoryStoreCalls } from './memory-store-calls.ts'
import type { ObjectCalls } from './object-calls.ts'
import type { OutboxCalls } from './outbox-calls.ts'
import type { Checkpoint, Gates, SessionState } from '../checkpoint.ts'
import type { StoreNote, VectorIndexStatistics } from '../vector-index/index-types.ts'
import type { CallRuns } from '../engine/prefill-calls.ts'

/** A stored turn without its state: the log, from which every state can be rebuilt. Ids are opaque to the store. */
export interface TurnRecord {
  readonly id: string
  /** Who may see it. */
  readonly owner: string
  /**
   * The response that it follows; null for the first of a session. Its state continues that response's, unless all
   * tokens that it has been fed are the turn's own (`startsAfresh`).
   */
  readonly parent: string | null
  /** Names its session: its conversation where it began in one, else its first response. */
  readonly root: string
  /** Turns before it on its branch. */
  readonly depth: number
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
  /** The bundle that made the state, and the only one that can continue it. */
  readonly bundle: string
  /** Request and response as JSON text. */
  readonly document: string
  /** The turn's own prompt tokens, without the parent's pending ones. */
  readonly prompt: readonly number[]
  readonly generated: readonly number[]
  readonly pending: readonly number[]
  /** Tokens that the state has been fed. */
  readonly position: number
  /** Tokens of one prefill call. Another length gives a state with other last bits. */
  readonly prefillChunk: number
  /** The calls that fed the prompt of a first turn; null: calls of `prefillChunk`. */
  readonly prefillCalls: CallRuns | null
  /** How many of the sampled tokens each decode call fed; null: one token a call. */
  readonly calls: readonly number[] | null
  readonly gates: Gates
}

export interface Found {
  readonly record: TurnRecord
  /** Whether its state is kept; a pruned one is rebuilt by a replay. */
  readonly kept: boolean
  /** sha256 of its state when it was stored, also of one that has been pruned; null if no state was ever stored. */
  readonly stateHash: Uint8Array | null
  /** Whether another response already continues it. */
  readonly continued: boolean
}

/** Whether a turn's state began with its own first token: the conversation before it had become too long. */
export function startsAfresh({ prompt, generated, position }: TurnRecord): boolean {
  return position === prompt.length + Math.max(0, generated.length - 1)
}

/** Where a pruned state is rebuilt from: `turns` in order; the first of them continues `from`, or the zero state. */
export interface Lineage {
  readonly from: Checkpoint | null
  readonly turns: readonly TurnRecord[]
  /** Those of the turns whose kept states are not what was written. */
  readonly damaged: readonly string[]
}

/**
 * Why a state is put back: it follows its turn, or a turn goes on from it now (it is held until `release`), or it must
 * never be pruned.
 */
export type RestoredFor = 'followed' | 'continued' | 'pinned'

/** Something that was read from the data folder and is not what was written. */
export interface Damage {
  readonly what: 'turn' | 'state' | 'prefix' | 'memory' | 'object'
  /** Of the response, the memory or the object; null for a prefix. */
  readonly id: string | null
}

/** What became of a rebuilt state: it has the bits of the one that was pruned, it has not, or nobody can tell. */
export type Rebuilt = 'identical' | 'different' | 'unknown'

/** A prefix of prompts, without its state. */
export interface PrefixRecord {
  /** The tokens of a prompt that it stands for. */
  readonly key: readonly number[]
  /** What was fed in their place; null: these tokens. */
  readonly tokens: readonly number[] | null
  /** How many of them the state has been fed. */
  readonly position: number
  /** The calls that fed them. */
  readonly calls: CallRuns
  /** Whether it ends inside a reply. */
  readonly afterReply: boolean
}

/** A prefix that was found: `length` tokens of the prompt. */
export interface FoundPrefix extends Omit<PrefixRecord, 'key'> {
  readonly seq: number
  readonly length: number
  readonly state: SessionState
}

/** Prefixes of prompts. They can be computed again, so what is damaged or over the budget just goes. */
export interface PrefixCalls {
  /**
   * Returns a number for the prefix once it is on disk; one that is there already counts as used. The pages before the
   * state's first one are those of the prefix with the number `after`; null where they are not there any more.
   */
  putPrefix(
    owner: string,
    bundle: string,
    record: PrefixRecord,
    state: SessionState,
    after: number | null,
  ): number | null
  /** The longest prefix of `tokens` that is longer than `longerThan` and leaves a token; it counts as used. */
  findPrefix(owner: string, bundle: string, tokens: readonly number[], longerThan: number): FoundPrefix | null
  /** Whose prefixes are kept, and of which bundles. */
  prefixScopes(): { owner: string; bundle: string }[]
  /** Deletes all prefixes of an owner, and overwrites them on disk; returns how many there were. */
  clearPrefixes(owner: string): number
  /** The same for those that have not been used for a day. */
  expirePrefixes(): number
}

/** What is written with a turn. */
export interface Remembered {
  /** What its user told. */
  readonly told?: readonly ToldMemory[]
  /** Ids of the memories that its reply was made with. */
  readonly read?: readonly string[]
  /** Ids of the turns of other conversations that it was made with. */
  readonly turns?: readonly string[]
  /** How it is found across conversations; null: not at all. */
  readonly episode?: NewEpisode | null
  /** Where it is the next turn of the conversation that its root names: the ids of the added items that it has read. */
  readonly conversation?: readonly string[] | null
}

/** All calls are answered in the order in which they were made. */
export interface StoreCalls
  extends
    PrefixCalls,
    ConversationCalls,
    MemoryCalls,
    EpisodeCalls,
    EraseCalls,
    ObjectCalls,
    MemoryStoreCalls,
    OutboxCalls {
  /**
   * Returns once the turn is on disk, with its state unless `state` is null (it follows by `restore`). False: the pages
   * before the state's first one are not kept, so the turn was stored without it. What is `remembered` of it is
   * written in the same transaction. Throws StoreError `erased` where a memory that it read, or the turn that it continues, was deleted for good meanwhile, `busy` where another turn came first in its conversation.
   */
  put(record: TurnRecord, state: SessionState | null, remembered?: Remembered): boolean
  /** The turn `id` of `owner`, without its state; null if there is none. */
  find(owner: string, id: string): Found | null
  /**
   * The state of a turn; null if it has been pruned. It is not pruned from now on until `release` is called. Throws
   * StoreError `corrupt` if it is not what was written.
   */
  load(id: string): SessionState | null
  /** The same without reading it: whether it is kept, and is not pruned until `release` is called. */
  hold(id: string): boolean
  release(id: string): void
  /** The first turn of a session of `owner`; null where it was deleted. */
  first(owner: string, root: string): TurnRecord | null
  /** The turns of the branch that `id` ends, in order, the last `limit` of them; where one was deleted, those after it. */
  history(id: string, limit?: number): TurnRecord[]
  /** Null when the branch cannot be followed back to a state or to its beginning. */
  lineage(id: string): Lineage | null
  /**
   * Puts back a state that was rebuilt, or that follows its turn. What is damaged of the one in its place is mended.
   * `prefillCalls` are those that made it, where the turn was stored before they were known.
   */
  restore(id: string, state: SessionState, use: RestoredFor, prefillCalls?: CallRuns | null): Rebuilt
  statistics(): StoreStatistics
}

/** Where memories are. */
export interface MemoryStoreStatistics {
  readonly kind: 'embedded' | 'postgresql'
  /** Turns and deletions that are not there yet. */
  readonly pending: number
  /** Whether it answered the last time. */
  readonly reachable: boolean
}

export interface StoreStatistics {
  readonly responses: number
  readonly sessions: number
  readonly states: number
  readonly stateBytes: number
  /** States that went for want of room since the start. */
  readonly evictions: number
  readonly vectorIndex: VectorIndexStatistics
  readonly memoryStore: MemoryStoreStatistics
  readonly prefixes: number
  readonly prefixBytes: number
  /** Turns that are found by search. */
  readonly episodes: number
  /** Turns that are not any more, for want of room, since the folder was made. */
  readonly episodesEvicted: number
  readonly journal: string
  readonly synchronous: string
}

/** The same calls from another thread. Each rejects with StoreError when it did not take effect. */
export type Store = {
  [K in keyof StoreCalls]: (...args: Parameters<StoreCalls[K]>) => Promise<ReturnType<StoreCalls[K]>>
} & {
  /** Resolves to what was noticed while the data folder was opened, in sentences for the log. */
  readonly ready: Promise<readonly string[]>
  /** Resolves with the reason when the store cannot go on. */
  readonly broken: Promise<string>
  /** `listener` is told of damage that calls come upon. */
  onDamage(listener: (damage: Damage) => void): void
  /** `listener` is told what happens to the indexes of vectors, in sentences for the log. */
  onNote(listener: (note: StoreNote) => void): void
  close(): Promise<void>
}
