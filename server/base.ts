/** What a turn continues. */
import type { Checkpoint } from './checkpoint.ts'
import type { Rebuilt } from './store/store.ts'

/** The checkpoint that a turn continues from, and its place in the session. */
export interface Base {
  readonly id: string
  readonly root: string
  readonly depth: number
  readonly model: string
  readonly bundle: string
  readonly checkpoint: Checkpoint
  readonly resumed: Resumed
  /** Whether the store has it: a state that follows an unstored one cannot be rebuilt. */
  readonly stored: boolean
  /** Whether the store keeps its pages until `release`: a state that follows it need not bring them. */
  readonly held: Promise<boolean>
  /** The turn is over: the store may prune the state again. */
  release(): void
}

/** Where the state came from, and what that cost. */
export interface Resumed {
  readonly tier: 'connection' | 'memory' | 'disk' | 'replay'
  /** Tokens that were computed again to rebuild a pruned state. */
  readonly replayed: number
  /** Whether the rebuilt state has the bits of the one that was pruned; null where nothing was rebuilt. */
  readonly rebuilt: Rebuilt | null
}

/** Checkpoints that live and die with one connection: those of responses with `store: false`. */
export interface LocalBases {
  get(id: string): Base | undefined
  set(id: string, base: Base): void
  delete(id: string): void
}
