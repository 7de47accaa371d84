/** What the store's thread and the processes of indexes say to each other. */

export type ToIndexProcess =
  /** Takes an index from a file, whose sha256 has to be this. */
  | { readonly kind: 'load'; readonly index: number; readonly file: string; readonly sha256: string }
  | { readonly kind: 'drop'; readonly index: number }
  | { readonly kind: 'search'; readonly index: number; readonly vector: Float32Array; readonly most: number }
  /** Begins a new index; `queries` are some of its vectors, which it is checked with. */
  | { readonly kind: 'begin'; readonly width: number; readonly queries: readonly Float32Array[] }
  /** Vectors one after the other; their labels go on where the last ones ended. */
  | { readonly kind: 'rows'; readonly vectors: Float32Array }
  | { readonly kind: 'check' }
  /** Writes the index to the file that the process was started with. */
  | { readonly kind: 'write' }

export type Question = { readonly id: number; readonly message: ToIndexProcess }

export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string }

/** Of 'check': how many of the ten nearest are found, and how widely the index has to be searched for it. */
export interface Checked {
  /** Of vectors of its own. */
  readonly recall: number
  /** Of vectors that lie anywhere. */
  readonly elsewhere: number
  readonly searchWidth: number
}

/** Of 'write'. */
export interface Written {
  readonly sha256: string
  readonly bytes: number
}

/** Of 'search': labels, best first. */
export type Labels = readonly number[]

/** Number of the file that a process which makes an index writes to. */
export const INDEX_FILE = 4
