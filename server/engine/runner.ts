/** What runs a model for the scheduler: sequences that are open, and steps that feed them tokens. */
import type { SessionState } from '../checkpoint.ts'
import type { MeasuredExit } from './exit-drafter.ts'

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
  /** The token was computed in one call with tokens of other sequences, and is to have the bits of that. */
  readonly beside?: boolean
  /** So many of the last ids are a draft: the row's state stays what it was until `accept`. Of replies. */
  readonly draft?: number
  /** The early stage goes on from the ids first. Of replies. */
  readonly exit?: ExitCalls
}

/** Tokens that the early stage of a model makes ahead of a call. */
export interface ExitCalls {
  /** Tokens at most. */
  readonly most: number
  /** They are a draft: the row's state stays what it was until `accept`. Else they are fed like the ids. */
  readonly verified: boolean
  /** The token that follows, by the exit's logits; null: none is wanted any more. */
  readonly choose: (logits: Float32Array) => number | null
}

/**
 * Of each wanted id the logits, `vocab` numbers each, valid until the next step; or what went wrong. `beside`: in one call
 * with tokens of other sequences.
 */
export type StepResult =
  | {
      readonly logits: Float32Array
      readonly beside?: boolean
      /** The tokens of the early stage, which were fed behind the ids: logits are of all ids if there are any to be verified. */
      readonly drafted?: readonly number[]
    }
  | { readonly error: Error }

/**
 * A model and the memory of its sequences. Every result is a function of the sequence's own state and ids, and of nothing
 * else that runs in the step; where `batchMatters`, of whether it ran alone, too. A sequence whose segment failed has no
 * defined state and can only be released.
 */
export interface Runner {
  /** Logits of one token: as many as the vocabulary has, or more. */
  readonly vocab: number
  /** Bytes of the fixed part of one sequence's state. */
  readonly stateBytes: number
  /** Experts of its routers, if a turn may set a bias for them; 0 otherwise. */
  readonly experts: number
  /** Sequences that decode together at most. */
  readonly rows: number
  readonly prefillChunk: number
  /**
   * Whether a token that is computed alone has other last bits than in one call with tokens of other sequences: so it is
   * with weights of 4 bits on some CPUs. To be set by whoever has tried it.
   */
  batchMatters: boolean
  /** The exit of its early stage, once that was measured; without one, segments have no `exit`. */
  exit?: MeasuredExit | undefined
  /**
   * Opens a sequence at `position` with a state whose first page is page 0; null is the zero state. Where the memory that
   * the state came from still holds its pages, the sequence goes on there. `bias` is that of its experts; what is saved of
   * the sequence has none. `tokens` is how many it is going to have, as far as that is known: memory for them is set aside at
   * once, where growing would copy what it holds.
   */
  open(owner: string, state: SessionState | null, position: number, bias?: Float32Array | null, tokens?: number): Row
  /**
   * Feeds each segment's ids, and returns one result for each, in their order. Rows must not be opened, saved or released
   * before the promise has settled.
   */
  step(segments: readonly Segment[]): Promise<readonly StepResult[]>
  /**
   * Of a segment with a draft, the first `count` ids are right. Returns how many of them the row's state has been fed:
   * all ids of the segment or none, so that every state is made by calls which can be made again.
   */
  accept(row: Row, count: number): number
  /** A copy of the sequence's state; pages before `firstPage` are left out. */
  save(row: Row, firstPage: number): SessionState
  /** Ends a sequence. Its memory is kept for one that goes on from a saved state, for as long as there is room. */
  release(row: Row): void
  /** Gives back what is kept of an owner's sequences that have ended. */
  forget(owner: string): void
  close(): void
}
