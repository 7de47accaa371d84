/** Memories whose value a later one denies: "I go to Elm Park", and then "my school is no longer Elm Park". */
import type { Memory, MemoryHit } from '../store/memory-calls.ts'
import { SAME_THING, sameTopic } from './facts/topic.ts'
import { isBeingWord } from './facts/vocabulary.ts'
import { isCommon, stem } from './search-words.ts'
import { wordsOf } from './words.ts'

/** An entry, and the later one that denies it. */
export interface Denied {
  readonly hit: MemoryHit
  readonly by: MemoryHit
  /** The later one stands in its place: it says nothing else. */
  readonly isReplaced: boolean
}

export interface WithoutDenied {
  readonly fresh: readonly MemoryHit[]
  readonly denied: readonly Denied[]
}

/** Entries without those that a later one denies, and those. */
export function withoutDenied(hits: readonly MemoryHit[]): WithoutDenied {
  const denials = hits.flatMap((by) => {
    const values = [...by.memory.text.matchAll(DENIED)].map((match) => plainWords(match.groups?.['old'] ?? ''))
    return values.map((old) => ({ old, by }))
  })
  const denied = hits.flatMap((hit): Denied[] => {
    const { memory } = hit
    const one = denials.find(
      ({ old, by }) =>
        by.memory.text !== memory.text &&
        by.memory.created >= memory.created &&
        plainWords(memory.text).includes(old) &&
        mayBeOfOne(by.memory, memory),
    )
    return one ? [{ hit, by: one.by, isReplaced: standsFor(one.by.memory.text, memory.text, one.old) }] : []
  })
  return { fresh: hits.filter((hit) => !denied.some((one) => one.hit === hit)), denied }
}

/** Whether two memories may be about one thing: their topics, or the people that they name. "Not sushi" of a sister says nothing of an aunt. */
function mayBeOfOne(one: Memory, other: Memory): boolean {
  if (one.fact && other.fact) return sameTopic(one.fact, other.fact) >= SAME_THING
  const people = ({ text }: Memory): string[] => wordsOf(text.replaceAll(/['’]s\b/gu, '')).filter(isBeingWord)
  const [mine, theirs] = [people(one), people(other)]
  return mine.length === 0 ? theirs.length === 0 : mine.some((word) => theirs.includes(word))
}

/** "Bed six, not four" says nothing without what it denies; a longer sentence has to be on the same thing. */
function standsFor(next: string, said: string, old: string): boolean {
  const own = wordsOf(next)
  if (own.length <= MOST_ALONE) return true
  const denied = new Set(wordsOf(old).map(stem))
  const before = new Set(wordsOf(said).map(stem))
  return own.some((word) => !isCommon(word) && !denied.has(stem(word)) && before.has(stem(word)))
}

/** Words of a sentence that is about nothing by itself. */
const MOST_ALONE = 5

const DENIED =
  /\b(?:no longer|not|isn'?t|changed from|instead of|rather than)\s+(?:an? |the )?(?<old>[^,;.!?]{3,60}?)(?=\s*[,;.!?]|\s+(?:to|but|any ?more)\s|$)/giu

const plainWords = (text: string): string => ` ${wordsOf(text).join(' ')} `
