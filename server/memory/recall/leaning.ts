/** Sentences that say by "he", "it" or "there" what they are about: it was named in what was told just before. */
import { isBeingWord } from '../facts/vocabulary.ts'
import { isCommon } from '../search-words.ts'
import { wordsOf } from '../words.ts'

/** Words of earlier sentences, in lower case. */
export interface Context {
  /** People, names and things that they have: what "she" or "it" may be. */
  readonly named: readonly string[]
  /** The others that are not of every sentence. */
  readonly other: readonly string[]
}

/** So many sentences before it are looked at, until one that leans on none. */
export const LOOKED_BACK = 3
/** A few words without anybody who does something: "140 guests". */
const FEW = 4

const BACK =
  /\b(?:he|she|it|they|him|her|them|his|hers|its|their|theirs|there|this|that|these|those|one|ones)\b(?!\s+(?:is|are|was)\s+(?:raining|snowing)\b)/iu
const OF_USER = /\b(?:i|i'?m|i'?ve|me|my|mine|we|we'?re|us|our|ours)\b/iu

/** Whether a sentence may be about something that only another one names. */
export function leans(text: string): boolean {
  return BACK.test(text) || (wordsOf(text).length <= FEW && !OF_USER.test(text))
}

/** What a sentence leans on; null: nothing. `before`: what was told before it in its conversation, the nearest first. */
export function contextOf(text: string, before: readonly string[]): Context | null {
  if (!leans(text)) return null
  const read: string[] = []
  for (const one of before.slice(0, LOOKED_BACK)) {
    read.push(one)
    if (!leans(one)) break
  }
  const own = new Set(wordsOf(text))
  const words = [...new Set(read.flatMap(wordsOf))].filter((word) => !isCommon(word) && !own.has(word))
  const names = new Set(read.flatMap((one) => [...namesIn(one), ...thingsIn(one)]))
  const named = words.filter((word) => names.has(word) || isBeingWord(word))
  return { named, other: words.filter((word) => !named.includes(word)) }
}

/** Words with a capital behind the first one, in lower case. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/(?<=\S\s+["'(]?)\p{Lu}[\p{L}\p{M}'-]*/gu)].flatMap(({ 0: word }) => wordsOf(word))
}

/** "A red canoe", "my flat". */
function thingsIn(text: string): string[] {
  const phrases = text.matchAll(
    /\b(?:my|our|the|an?|his|her|their|some|two|three|four|five)\s+(?<noun>[\p{L}-]+(?:\s+[\p{L}-]+)?)/giu,
  )
  return [...phrases].flatMap(({ groups }) => wordsOf(groups!['noun']!))
}
