/** What the thread of the embedders is asked, and what it answers. */

/** Two texts that are read as one. */
export interface TextPair {
  readonly first: string
  readonly second: string
}

/** A text, a pair of them, or token ids that are read as they are. */
export type EmbeddingInput = string | TextPair | readonly number[]

export interface EmbedQuestion {
  readonly kind: 'embed'
  readonly id: number
  /** Folder of the bundle. */
  readonly folder: string
  /** Texts of owners who had less are embedded first. */
  readonly owner: string
  readonly inputs: readonly EmbeddingInput[]
  /** Tokens that are kept of a longer input; null: a longer input is refused. */
  readonly keep: number | null
}

export type ToEmbedders =
  | EmbedQuestion
  | { readonly kind: 'open'; readonly id: number; readonly folder: string; readonly threads: number }
  | { readonly kind: 'cancel'; readonly id: number }

/** Which input cannot be embedded, and why. */
export interface RefusedInput {
  readonly index: number
  readonly reason: 'too long' | 'empty' | 'unknown token'
  /** Tokens of one too long, or the id that the model does not know. */
  readonly got: number
}

export type FromEmbedders =
  | { readonly kind: 'opened'; readonly id: number; readonly runtime: string }
  /** One vector after another in the order of the inputs, and the tokens that were read in all. */
  | { readonly kind: 'embedded'; readonly id: number; readonly vectors: Float32Array; readonly tokens: number }
  | { readonly kind: 'refused'; readonly id: number; readonly refused: RefusedInput }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
