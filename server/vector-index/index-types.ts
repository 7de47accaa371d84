/** What the server knows of indexes of vectors. */
import type { Labels } from './messages.ts'

export interface VectorIndexOptions {
  /** Vectors of a namespace from which on they are indexed. */
  readonly threshold: number
  /** Milliseconds after which an index is made again whose file had to go; tests have less patience. */
  readonly pauseMs?: number
}

export interface VectorIndexStatistics {
  /** How vectors of large namespaces are found. */
  readonly kind: 'exact' | 'faiss'
  /** Why there are no indexes; null where there are. */
  readonly reason: string | null
  readonly threshold: number
  readonly indexes: number
  /** Vectors in them. */
  readonly vectors: number
  readonly building: boolean
  /** Times that their process, or one that made one, has ended by itself. */
  readonly failures: number
  /** Searches that scanned all vectors although there was an index, because it did not answer. */
  readonly fallbacks: number
  /** Of the process that holds them; null where none runs. */
  readonly pid: number | null
}

/** A sentence for the log. */
export interface StoreNote {
  readonly level: 'info' | 'warn'
  readonly text: string
}

/** What an index has found for a search; it is looked at when the search is run. */
export interface Near {
  /** Which one: it may have been replaced when the search is run. */
  readonly index: object
  readonly labels: Labels
}
