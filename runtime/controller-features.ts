/**
 * What a controller knows of a turn: an ordered list of named numbers from 0 to 1, the same for the trainer, which makes
 * tables of them, and the server, which computes them once a turn. A change of the list is a new version of it.
 */

export const FEATURES_VERSION = 1

/** The decisions of a controller, in the order of its outputs. */
export const GATES = ['early_exit', 'episodic', 'semantic', 'expert_bias', 'verification'] as const
export type Gate = (typeof GATES)[number]

/** What a search knows of its result. */
export interface SearchFeatures {
  readonly candidates: number
  /** Merged rank of the best entry and of the second; 0 where there is none. */
  readonly score: number
  readonly second: number
  /** Of the best entry: the share of the message's words that it has, its cosine, and how surely it is on a topic asked for. */
  readonly overlap: number
  readonly similarity: number | null
  readonly topic: number | null
  /** Milliseconds since it was said; null where there is no entry. */
  readonly age: number | null
  /** Whether two of the best entries give different values to one topic. */
  readonly conflict: boolean
  /** What the threshold decides. */
  readonly above: boolean
}

/** A turn before its reply. */
export interface TurnFeatures {
  /** Entropy of the next token after the prompt, divided by the logarithm of the vocabulary; null where it was not computed. */
  readonly uncertainty: number | null
  /** Tokens of the conversation with the turn's own. */
  readonly contextTokens: number
  readonly messageWords: number
  /** The turn goes on from an earlier one. */
  readonly continues: boolean
  readonly isQuestion: boolean
  /** Rules recognise a question about the user. */
  readonly asksUser: boolean
  /** Rules take a fact or a statement from the message. */
  readonly tells: boolean
  readonly semantic: SearchFeatures
  readonly episodic: SearchFeatures
  /** Whether the served model has an early exit, and experts whose router takes a bias. */
  readonly hasExit: boolean
  readonly hasExperts: boolean
}

/** A search that found nothing. */
export const NOTHING_FOUND: SearchFeatures = {
  candidates: 0,
  score: 0,
  second: 0,
  overlap: 0,
  similarity: null,
  topic: null,
  age: null,
  conflict: false,
  above: false,
}

interface Feature<T> {
  readonly name: string
  /** From 0 to 1. */
  readonly of: (turn: T) => number
}

/** Tokens, words, candidates and days from which on more say nothing more. */
const MOST = { tokens: 8192, words: 64, candidates: 16, days: 365 } as const
/** The largest merged rank: first of the lists of words, of vectors and of topics, each 1 / (60 + 1). */
const MOST_SCORE = 3 / 61
const DAY_MS = 24 * 60 * 60 * 1000

const flag = (value: boolean): number => (value ? 1 : 0)
const share = (value: number): number => Math.min(1, Math.max(0, value))
/** Of counts and times: differences between small ones say more than between large ones. */
const logarithmic = (value: number, most: number): number => share(Math.log1p(Math.max(0, value)) / Math.log1p(most))

const TURN: readonly Feature<TurnFeatures>[] = [
  { name: 'uncertainty', of: ({ uncertainty }) => share(uncertainty ?? 0) },
  { name: 'uncertainty_known', of: ({ uncertainty }) => flag(uncertainty !== null) },
  { name: 'context_length', of: ({ contextTokens }) => logarithmic(contextTokens, MOST.tokens) },
  { name: 'message_length', of: ({ messageWords }) => logarithmic(messageWords, MOST.words) },
  { name: 'continues', of: ({ continues }) => flag(continues) },
  { name: 'is_question', of: ({ isQuestion }) => flag(isQuestion) },
  { name: 'asks_user', of: ({ asksUser }) => flag(asksUser) },
  { name: 'tells', of: ({ tells }) => flag(tells) },
]

const SEARCH: readonly Feature<SearchFeatures>[] = [
  { name: 'found', of: ({ candidates }) => flag(candidates > 0) },
  { name: 'candidates', of: ({ candidates }) => share(candidates / MOST.candidates) },
  { name: 'score', of: ({ score }) => share(score / MOST_SCORE) },
  { name: 'gap', of: ({ score, second }) => (score > 0 ? share((score - second) / score) : 0) },
  { name: 'overlap', of: ({ overlap }) => share(overlap) },
  { name: 'similarity', of: ({ similarity }) => share(similarity ?? 0) },
  { name: 'similarity_known', of: ({ similarity }) => flag(similarity !== null) },
  { name: 'topic', of: ({ topic }) => share(topic ?? 0) },
  // How sure the search is of its best entry
  { name: 'confidence', of: (s) => share(Math.max(s.overlap, s.similarity ?? 0, s.topic ?? 0)) },
  { name: 'age', of: ({ age }) => logarithmic((age ?? 0) / DAY_MS, MOST.days) },
  { name: 'conflict', of: ({ conflict }) => flag(conflict) },
  { name: 'above_threshold', of: ({ above }) => flag(above) },
]

const MODEL: readonly Feature<TurnFeatures>[] = [
  { name: 'has_exit', of: ({ hasExit }) => flag(hasExit) },
  { name: 'has_experts', of: ({ hasExperts }) => flag(hasExperts) },
]

const ofSearch = (search: 'semantic' | 'episodic'): Feature<TurnFeatures>[] =>
  SEARCH.map(({ name, of }) => ({ name: `${search}.${name}`, of: (turn) => of(turn[search]) }))

/** What the state summary of a controller projects together. */
const GROUPS: readonly (readonly Feature<TurnFeatures>[])[] = [TURN, ofSearch('semantic'), ofSearch('episodic'), MODEL]

/** Sizes of the groups, in their order: the option `groups` of a controller. */
export const FEATURE_GROUPS: readonly number[] = GROUPS.map((group) => group.length)

export const FEATURE_NAMES: readonly string[] = GROUPS.flat().map(({ name }) => name)

/** The features of a turn, in the order of their names. */
export const featuresOf = (turn: TurnFeatures): Float32Array => Float32Array.from(GROUPS.flat(), ({ of }) => of(turn))
