/** The sentences of a message by what they do: tell facts, tell something that no rule reads, or ask and want. */
import type { Fact, Sentence } from './fact.ts'
import { MASK, plainOf } from './plain.ts'
import { sentencesOf } from './sentences.ts'
import { isQuestion, isRequest } from './speech-acts.ts'
import { toldBy } from './told-by.ts'

export interface SortedSentences {
  readonly facts: readonly Fact[]
  readonly statements: readonly Sentence[]
  /** Questions and requests, which tell nothing and are no memories. */
  readonly asides: readonly Sentence[]
}

/** Characters of a message that are looked at. */
const MOST = 4000

export function sortedSentences(message: string): SortedSentences {
  const text = message.slice(0, MOST)
  const { facts, statements } = toldBy(text)
  const told = new Set([...facts.map(({ sentence }) => sentence), ...statements].map(({ start }) => start))
  const plain = plainOf(text)
  const isAside = (words: string): boolean => !words.includes(MASK) && (isQuestion(words) || isRequest(words))
  const asides = sentencesOf(text).filter(({ start, end }) => !told.has(start) && isAside(plain.slice(start, end)))
  return { facts, statements, asides }
}
