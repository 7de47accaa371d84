/** What every source of training data gives: batches of parallel token streams that can be continued exactly. */

/** Anything that survives JSON. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }

/**
 * One step's data: B rows of T tokens, row-major. Where texts are compared, a label is not a token's but a group's: the
 * number of the text that answers it among those that are no question.
 */
export interface Batch {
  /** B*T token ids. */
  readonly ids: Int32Array
  /** B*T ids, each the token that follows. */
  readonly targets: Int32Array
  /** B*T weights of the loss; 0 = no loss. */
  readonly weights: Float32Array
  /** B numbers: 1 = the row continues its stream and keeps its state, 0 = it starts with zero state. */
  readonly carry: Float32Array
  /** Where texts are compared: B*D numbers, the vectors that rows shall have; zeros for rows that are not taught one. */
  readonly vectors?: Float32Array
}

/** A source of batches. */
export interface Dataset {
  /** The next batch; sources that end start again from their beginning. */
  next(): Promise<Batch>
  /** Everything needed to continue bit for bit. */
  position(): JsonValue
  /** Continues from what `position()` gave. */
  seek(position: JsonValue): Promise<void>
  /** How often all of it was read to the end; missing where it has none. */
  epoch?(): number
  readonly description: string
  /** What of the data is not read, a sentence each. */
  readonly notes?: readonly string[]
  /** What was left out while it was read, so far. */
  leftOut?(): string | undefined
}

/** Thrown when a source cannot be read as the training data that it is said to be. */
export class DataError extends Error {
  override name = 'DataError' as const
}

/** A batch without loss, to be filled; its tokens are `pad`. */
export function emptyBatch(rows: number, sequenceLength: number, pad = 0): Batch {
  return {
    ids: new Int32Array(rows * sequenceLength).fill(pad),
    targets: new Int32Array(rows * sequenceLength).fill(pad),
    weights: new Float32Array(rows * sequenceLength),
    carry: new Float32Array(rows),
  }
}
