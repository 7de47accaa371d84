/** What a file of training data is once it is open, whatever its format. */

/** A run of tokens that belongs to one document. */
export interface Piece {
  readonly ids: ArrayLike<number>
  /** The loss weight of predicting each token; 1 for all when absent. */
  readonly weights?: ArrayLike<number>
  /** Where the next piece begins. */
  readonly next: number
  /** Whether the document ends with this piece. */
  readonly ends: boolean
}

/** An open file; places in it are counted in bytes of text or in tokens of a shard. */
export interface CorpusFile {
  readonly path: string
  readonly size: number
  /** The first place at or after `place` where reading may begin. */
  align(place: number): Promise<number>
  /** The piece that begins at `from`; it stays before `to`. The same arguments give the same piece. */
  read(from: number, to: number): Promise<Piece>
}
