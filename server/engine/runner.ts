/** What runs a model for the scheduler: rows of state that advance together, and lanes that advance alone. */

/** One state outside the batch, for prompts. */
export interface Lane {
  /** Sets the state; null is the zero state of a new session. */
  load(state: Uint8Array | null): void
  /** Feeds 1..CHUNK ids; returns the logits of the last one, or of every one: valid until the next call. */
  run(ids: readonly number[], logits: 'last' | 'all'): Promise<Float32Array>
  /** A copy of the state. */
  save(): Uint8Array
}

/** A model with its state tensors. Every result is a function of the state and the ids alone, never of other rows. */
export interface Runner {
  /** Logits of one token: as many as the vocabulary has, or more. */
  readonly vocab: number
  /** Bytes of one session's state. */
  readonly stateBytes: number
  /** Rows that can run together. */
  readonly rows: number
  lane(): Lane
  load(row: number, state: Uint8Array): void
  save(row: number): Uint8Array
  move(from: number, to: number): void
  /** Feeds one id to each of the rows 0..ids.length-1; returns their logits, row after row: valid until the next call. */
  decode(ids: readonly number[]): Promise<Float32Array>
  close(): void
}

/** Tokens of a prefill call. Part of every checkpoint's meaning: another length would give other last bits. */
export const CHUNK = 64
