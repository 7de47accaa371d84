/** Whom "she" means in a question: somebody who was named in what the user wrote just before. */
import { isQuestion } from '../facts/speech-acts.ts'
import { isBeingWord, spelled } from '../facts/vocabulary.ts'
import { isCommon } from '../search-words.ts'
import { isGivenName } from './names.ts'

/** Messages before the question that are looked at, the last first. */
const LOOKED_BACK = 2

const PRONOUN = /(?<![\p{L}\p{N}])(?<word>he|she|him|his|hers?)(?<is>['’]s)?(?![\p{L}\p{N}])(?<noun>\s+(?=\p{L}))?/giu
const OF_USER = /(?<![\p{L}\p{N}])(?:my|our) (?<first>\p{L}+)(?: (?<second>\p{L}+))?/giu
const NAMES = /(?<![\p{L}\p{N}])\p{Lu}\p{Ll}+(?![\p{L}\p{N}])/gu
const MALE =
  /^(?:brother|dad|daddy|father|son|husband|hubby|boyfriend|uncle|grand(?:father|dad|pa|son)|grandad|nephew|man|guy|boy|lad|stepdad|landlord)$/u
const FEMALE =
  /^(?:sister|mom|mum|mummy|mother|daughter|wife|missus|girlfriend|aunt|auntie|grand(?:mother|ma|daughter)|gran|nan|niece|woman|girl|lady|stepmum|stepmom|landlady)$/u

/** Whether a message asks about somebody whom it does not name. */
export function asksOfSomebody(message: string): boolean {
  return isQuestion(message) && message.search(PRONOUN) >= 0 && beingsIn(message).length === 0
}

/** The question with whom it means in place of "he" or "she": "where does my brother live?"; as it is where nobody knows. `before`: messages, the last one last. */
export function withAntecedent(question: string, before: readonly string[]): string {
  if (!asksOfSomebody(question)) return question
  const isMale = [...question.matchAll(PRONOUN)].every(({ groups }) => /^h(?:e|im|is)$/iu.test(groups!['word']!))
  const fits = ({ being }: Being): boolean => !(isMale ? FEMALE : MALE).test(being)
  const meant = before
    .slice(-LOOKED_BACK)
    .toReversed()
    .flatMap((message) => beingsIn(message).find(fits) ?? [])[0]
  if (!meant) return question
  return question.replaceAll(PRONOUN, (_, word: string, is: string | undefined, noun: string | undefined) => {
    const isOwner = /^(?:his|hers)$/iu.test(word) || (/^her$/iu.test(word) && noun !== undefined)
    return `${meant.phrase}${isOwner ? "'s" : (is ?? '')}${noun ?? ''}`
  })
}

interface Being {
  /** "my brother", "our old dog", "Kyle". */
  readonly phrase: string
  readonly being: string
  readonly at: number
}

/** People and animals that a message names, in order. */
function beingsIn(message: string): Being[] {
  const own = [...message.matchAll(OF_USER)].flatMap(({ 0: phrase, index: at, groups }): Being[] => {
    const [first, second] = [groups!['first']!, groups!['second'] ?? '']
    const whose = phrase.slice(0, phrase.indexOf(' ')).toLowerCase()
    if (isBeingWord(first.toLowerCase()))
      return [{ phrase: `${whose} ${first}`, being: spelled(first.toLowerCase()), at }]
    const isOne = second !== '' && isBeingWord(second.toLowerCase())
    return isOne ? [{ phrase: `${whose} ${first} ${second}`, being: spelled(second.toLowerCase()), at }] : []
  })
  const named = [...message.matchAll(NAMES)].flatMap(({ 0: phrase, index: at }): Being[] => {
    const being = phrase.toLowerCase()
    return isCommon(being) || !isGivenName(being) ? [] : [{ phrase, being, at }]
  })
  return [...own, ...named].toSorted((a, b) => a.at - b.at)
}
