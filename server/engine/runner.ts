/** What runs a model for the scheduler: sequences that are open, and steps that feed them tokens. */
import type { SessionState } from '../checkpoint.ts'

/** One open sequence: memory of the runner that holds its state. Only its runner looks inside. */
export interface Row {
  readonly owner: string
}

/** Tokens that one sequence is fed in a step. */
export interface Segment {
  readonly row: Row
  readonly ids: readonly number[]
  /** Of its prompt, or of its reply: only replies are decoded together. */
  readonly use: 'prefill' | 'decode'
  /** Which logits are wanted: of the last id, or of every one. */
  readonly logits: 'last' | 'all'
}

/** Of each wanted id the logits, `vocab` numbers each, valid until the next step; or what went wrong. */
export type StepResult = { readonly logits: Float32Array } | { readonly error: Error }

/**
 * A model and the memory of its sequences. Every result is a function of the sequence's own state and ids, never of what
 * else runs in the step. A sequence whose segment failed has no defined state and can only be released.
 */
export interface Runner {
  /** Logits of one token: as many as the vocabulary has, or more. */
  readonly vocab: number
  /** Bytes of the fixed part of one sequence's state. */
  readonly stateBytes: number
  /** Sequences that decode together at most. */
  readonly rows: number
  readonly prefillChunk: number
  /**
   * Opens a sequence at `position` with a state whose first page is page 0; null is the zero state. Where the memory that
   * the state came from still holds its pages, the sequence goes on there.
   */
  open(owner: string, state: SessionState | null, position: number): Row
  /**
   * Feeds each segment's ids, and returns one result for each, in their order. Rows must not be opened, saved or released
   * before the promise has settled.
   */
  step(segments: readonly Segment[]): Promise<readonly StepResult[]>
  /** A copy of the sequence's state; pages before `firstPage` are left out. */
  save(row: Row, firstPage: number): SessionState
  /** Ends a sequence. Its memory is kept for one that goes on from a saved state, for as long as there is room. */
  release(row: Row): void
  /** Gives back what is kept of an owner's sequences that have ended. */
  forget(owner: string): void
  close(): void
}
