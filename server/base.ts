/** What a turn continues. */
import type { Checkpoint } from './engine/messages.ts'

/** The checkpoint that a turn continues from, and its place in the session. */
export interface Base {
  readonly id: string
  readonly root: string
  readonly depth: number
  readonly model: string
  readonly bundle: string
  readonly checkpoint: Checkpoint
}

/** Checkpoints that live and die with one connection: those of responses with `store: false`. */
export interface LocalBases {
  get(id: string): Base | undefined
  set(id: string, base: Base): void
  delete(id: string): void
}
