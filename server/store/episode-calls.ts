/** Episodes: stored turns as they are found across conversations. */
import type { MadeVector } from './memory-calls.ts'

/** A turn as it is to be found. */
export interface NewEpisode {
  readonly namespace: string
  readonly user: string | null
  /** What its user wrote; null: it is not to be found, and only known as this user's. */
  readonly text: string | null
  /** Of the text; null: it gets one later. */
  readonly made: MadeVector | null
  /** 0 to 1. */
  readonly importance: number
  /** It is not evicted. */
  readonly pinned: boolean
  /** Milliseconds since 1970. */
  readonly created: number
}

export interface EpisodeQuery {
  readonly namespace: string
  /** Null: of everybody. '': of nobody in particular. */
  readonly user: string | null
  readonly text: string
  /** Of the text; null: only words are compared. */
  readonly made: MadeVector | null
  readonly limit: number
}

/** A turn that was found. Its text is in the turn. */
export interface EpisodeHit {
  readonly response: string
  readonly user: string | null
  readonly created: number
  readonly importance: number
  readonly reads: number
  readonly score: number
  readonly words: number | null
  readonly similarity: number | null
}

export interface EpisodeCalls {
  /** Best first. */
  searchEpisodes(owner: string, query: EpisodeQuery): EpisodeHit[]
  /** Gives a turn its vector, while it is to be found. */
  embedEpisode(owner: string, response: string, made: MadeVector): boolean
  /** Turns that are to be found and have no vector of this embedder, of all owners. */
  unembeddedEpisodes(embedder: string, limit: number): { readonly owner: string; readonly response: string }[]
}
