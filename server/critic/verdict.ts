/** What a reply is checked against, and what is found. */
import type { Topic } from '../memory/facts/fact.ts'

/** A fact as it is known when the reply is checked. */
export interface KnownFact extends Topic {
  readonly id: string
  readonly value: string
  /** The user's own sentence. */
  readonly text: string
  /** False where it was corrected or withdrawn since. */
  readonly holds: boolean
}

export interface Note {
  readonly id: string
  readonly text: string
}

export interface CheckedReply {
  readonly question: string
  readonly reply: string
  /** Those about what is asked and said; a fact that is missing here counts as never told. */
  readonly facts: readonly KnownFact[]
  /** Sentences of the user that no rule has read. */
  readonly notes?: readonly Note[]
}

export interface SentenceVerdict {
  readonly text: string
  /** UTF-16 units of the reply before it, and up to its end. */
  readonly start: number
  readonly end: number
  /**
   * `unchecked`: it claims nothing about the user, or nothing decides it. `error`: what should have checked it has failed.
   * Neither is a form of `supported`.
   */
  readonly verdict: 'supported' | 'contradicted' | 'unchecked' | 'error'
  /** Ids of the facts and notes that it rests on. */
  readonly facts: readonly string[]
  readonly reason: string
  /** True where it gives a value to what the user has never told. */
  readonly invented: boolean
  /** How probable the verdict is, where the encoder has given it. */
  readonly probability?: number
  /** What the sentence is about, where a rule has read it. */
  readonly topic: Topic | null
}
