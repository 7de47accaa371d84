/** How much a sentence says of each word of a question. */
import { isBeingWord } from '../facts/vocabulary.ts'
import { isCommon, stem } from '../search-words.ts'
import { likeness } from './likeness.ts'
import type { Context } from './leaning.ts'
import type { Question } from './question.ts'
import { exclude } from './related-words.ts'
import { isKnownWord, meaningOf, rarityOf } from './word-vectors.ts'

/** A word of a question, or two of which one is enough, beside a sentence. */
export interface Match {
  readonly options: readonly string[]
  /** Words of the sentence that say it in full. */
  readonly said: readonly string[]
  /** How much the word counts: rare ones more. */
  readonly weight: number
  /** 0 to 1: by a form of it, a word that is said for it, or a letter wrong; `like`: also by meaning. */
  readonly exact: number
  readonly like: number
  /** The sentence says the opposite. */
  readonly isApart: boolean
}

/** Similarity of meaning below which two words have nothing to do with each other, and from which on they say the same. */
const [UNLIKE, LIKE] = [0.25, 0.75]
/** From which similarity on a noun stands for another. */
const SAME_NOUN = 0.45

/** How much of a question's word the context of a sentence says, by a name and by any other word. */
const OF_CONTEXT = { named: 1, other: 0.6 } as const

/** `context`: what the sentence leans on. */
export function matchesOf(question: Question, words: readonly string[], context: Context | null = null): Match[] {
  const content = words.filter((word) => !isCommon(word))
  const stems = words.map(stem)
  const before = (['named', 'other'] as const).flatMap((kind) =>
    (context?.[kind] ?? []).map((said) => ({ said, stem: stem(said), counts: OF_CONTEXT[kind] })),
  )
  return [...question.words].map(([either, counts]) => {
    const options = either.split('|')
    const weight = Math.max(0.05, rarityOf(options[0]!) ** 2) * (counts < 0.5 ? 0.5 : 1)
    const likes = words.map((said, at) => Math.max(...options.map((word) => likeness(word, said, stems[at]!))))
    const known = before.map(
      (one) => one.counts * Math.max(...options.map((word) => likeness(word, one.said, one.stem))),
    )
    const exact = Math.max(0, ...likes, ...known)
    const things = options.filter((word) => !isBeingWord(word))
    const near = Math.max(0, ...things.flatMap((word) => content.map((said) => nearness(word, said))))
    const isApart = exact < 0.7 && options.some((word) => stems.some((said) => exclude(stem(word), said)))
    const said = words.filter((_, at) => likes[at]! >= 0.75)
    return { options, said, weight, exact, like: isApart ? 0 : Math.max(exact, near), isApart }
  })
}

/** Mean over the words, each with its weight. */
export function shareOf(matches: readonly Match[], of: (match: Match) => number): number {
  const total = matches.reduce((sum, { weight }) => sum + weight, 0)
  return total === 0 ? 0 : matches.reduce((sum, match) => sum + match.weight * of(match), 0) / total
}

/** 0 to 1: how near two words are in meaning. */
export function nearness(one: string, other: string): number {
  return Math.max(0, Math.min(1, (meaningOf(one, other) - UNLIKE) / (LIKE - UNLIKE))) * 0.9
}

/** Words of which one is said for the other mean the same only where they are near: who studies need not name a university. */
export function isSame(one: string, other: string): boolean {
  const isFar = isKnownWord(one) && isKnownWord(other) && meaningOf(one, other) < SAME_NOUN
  return stem(one) === stem(other) || !isFar
}

/** How near, on average, the nearest of the one words is to each of the other. */
export function meaningOfWords(one: readonly string[], other: readonly string[]): number {
  const nearest = other.map((word) => Math.max(0, ...one.map((said) => meaningOf(word, said))))
  return nearest.length === 0 ? 0 : nearest.reduce((sum, near) => sum + near, 0) / nearest.length
}
