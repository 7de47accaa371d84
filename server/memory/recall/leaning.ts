/** Sentences that say by "he", "it" or "there" what they are about: it was named in what was told just before. */
import { isBeingWord } from '../facts/vocabulary.ts'
import { isCommon } from '../search-words.ts'
import { wordsOf } from '../words.ts'

/** Words of earlier sentences, in lower case. */
export interface Context {
  /** The nearest of these sentences. */
  readonly text: string
  /** People, names and things that they have: what "she" or "it" may be. */
  readonly named: readonly string[]
  /** The others that are not of every sentence. */
  readonly other: readonly string[]
}

/** So many sentences before it are looked at, until one that leans on none. */
export const LOOKED_BACK = 3
/** A few words without anybody who does something: "140 guests". */
const FEW = 4

/** "It", "there" and "they" stand for something of before where they come first: "we had soup and it was cold" says what was cold. */
const THINGS_FIRST = /^(?:\S+\s+){0,2}(?:it|its|they|them|their|theirs|there|this|that|these|those|one|ones)\b/iu
/** "She" and "his" do where nobody is named before them. */
const BEING = /\b(?:he|she|him|her|his|hers)(?:['’]s)?\b/iu
const OF_USER = /\b(?:i|i'?m|i'?ve|me|my|mine|we|we'?re|us|our|ours)\b/iu

/** Whether a sentence may be about something that only another one names. */
export function leans(text: string): boolean {
  return THINGS_FIRST.test(text) || meansSomebody(text) || (wordsOf(text).length <= FEW && !OF_USER.test(text))
}

function meansSomebody(text: string): boolean {
  const at = BEING.exec(text)?.index
  if (at === undefined) return false
  const before = text.slice(0, at)
  return (
    !wordsOf(before).some(isBeingWord) && namesIn(before).length === 0 && !/^\p{Lu}\p{Ll}+\s+\p{Ll}+s\b/u.test(before)
  )
}

/** What a sentence leans on; null: nothing. `before`: what was told before it in its conversation, the nearest first. */
export function contextOf(text: string, before: readonly string[]): Context | null {
  if (!leans(text)) return null
  const read: string[] = []
  const isOther = otherGender(text)
  for (const one of before.slice(0, LOOKED_BACK)) {
    if (isOther?.test(one)) continue
    read.push(one)
    if (!leans(one)) break
  }
  const own = new Set(wordsOf(text))
  const words = [...new Set(read.flatMap(wordsOf))].filter((word) => !isCommon(word) && !own.has(word))
  const names = new Set(read.flatMap((one) => [...namesIn(one), ...thingsIn(one)]))
  const named = words.filter((word) => names.has(word) || isBeingWord(word))
  return { text: read[0] ?? '', named, other: words.filter((word) => !named.includes(word)) }
}

/** Sentences of its message that a reader reads with one. */
export const READ_BEFORE = 2

/**
 * The text that a reader reads before a sentence: the sentences before it in its message, given the nearest first, the earlier
 * first ("my boss there is Gwen" after "I work at the library"), or what it leans on; empty where there is neither.
 */
export function textBefore(inMessage: readonly string[], context: Context | null): string {
  const nearest = [...new Set(inMessage)].slice(0, READ_BEFORE)
  return nearest.length > 0 ? nearest.toReversed().join(' ') : (context?.text ?? '')
}

const SHE = /\b(?:she|her|hers)\b/iu
const HE = /\b(?:he|him|his)\b/iu
const WOMEN =
  /\b(?:mum|mom|mother|wife|sister|daughter|aunt|auntie|grandma|granny|nan|grandmother|girlfriend|niece|granddaughter|fiancée|mrs|ms|lady|woman|girl)\b/iu
const MEN =
  /\b(?:dad|father|husband|brother|son|uncle|grandpa|grandad|grandfather|boyfriend|nephew|grandson|mr|man|lad|boy)\b/iu

/** What a sentence that says "she" is not about: "my dad is a baker". Null: it says neither, or both. */
function otherGender(text: string): RegExp | null {
  const [she, he] = [SHE.test(text), HE.test(text)]
  if (she === he) return null
  return she ? only(MEN, WOMEN) : only(WOMEN, MEN)
}

const only = (these: RegExp, those: RegExp): RegExp => new RegExp(`^(?!.*${those.source})(?=.*${these.source})`, 'isu')

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
