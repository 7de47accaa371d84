/** What a sentence says of a noun that a question asks for: which one it is, what it is called, how many there are. */
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { likeness } from './likeness.ts'
import { nearness } from './matches.ts'
import { isGivenName } from './names.ts'
import type { Question } from './question.ts'
import { isKnownWord } from './word-vectors.ts'

/** "The hotel is the Bristol", "bus 41": beside the noun, or after its verb, stands a word that is none of every day. */
export function isSpecified(noun: string, words: readonly string[]): boolean {
  const at = words.findIndex((word) => stem(word) === stem(noun))
  if (at < 0) return false
  const [next = '', second = ''] = words.slice(at + 1)
  const tells = (word: string): boolean => word !== '' && (!isKnownWord(word) || !/^\p{L}+$/u.test(word))
  return (
    tells(next) ||
    (/^(?:is|was|called|named|number|code|at|now)$/u.test(next) && second !== '') ||
    tells(words[at - 1] ?? '')
  )
}

/** Whether a sentence has a name, a number or a word that is none of every day, which the question has not. */
export function hasValue(text: string, known: ReadonlySet<string>): boolean {
  if (/\d/u.test(text)) return true
  return [...text.matchAll(/\p{L}[\p{L}\p{M}'-]*/gu)].some(({ 0: word, index }) => {
    const bare = word.replace(/['’]s?$/u, '').toLowerCase()
    if (known.has(bare) || bare.length < 3 || isCommon(bare)) return false
    return !isKnownWord(bare) || (index > 0 && /^\p{Lu}/u.test(word)) || isGivenName(bare)
  })
}

/** A word from this nearness on may be one of a kind: a cello is an instrument. */
const OF_KIND = 0.4

/** "Which knee was it?": "my knee surgery went fine" does not say which. "Which hospital do I work at?": "I am a night nurse" neither. */
export function leavesOpen({ which, known }: Question, text: string): boolean {
  const words = [...new Set(wordsOf(text))]
  if (which === null || hasValue(text, known)) return false
  const fresh = words.filter((word) => !isCommon(word) && !known.has(word) && stem(word) !== stem(which))
  return !isSpecified(which, words) && !fresh.some((word) => nearness(which, word) >= OF_KIND)
}

/** "My dog Rex", "the dog is called Rex", "Rex, my dog". */
export function isNamed(noun: string, text: string): boolean {
  const word = `[${noun[0]!.toUpperCase()}${noun[0]}]${escaped(noun.slice(1))}`
  return [
    `${word}(?:'s)?(?: in law)?,? (?:to |with )?(?:is |was |are )?(?:called |named |name is |name's |names are )?(?:(?:[Dd]r|[Mm]rs?|[Mm]s)\\.? )?\\p{Lu}`,
    `${word}\\P{L}.{0,40}\\b(?:called|named?|names)\\b`,
    `\\b(?:called|named?|call) (?:the|my|our) ${word}`,
    `${word}(?:'s)? (?:is|are|was) (?!(?:an?|the|in|at|on|not|my|very|so|from|just|always|\\p{L}+ing)\\b)\\p{L}+`,
    `\\p{Lu}\\p{L}+,? (?:is )?(?:my|our|the) (?:\\p{L}+ )?${word}`,
  ].some((form) => new RegExp(`(?<!\\p{L})(?:${form})`, 'u').test(text))
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/-]/gu, '\\$&')

/** "Three older brothers": a number before the noun. */
export function isCounted(noun: string, words: readonly string[]): boolean {
  const at = words.findIndex((word) => likeness(noun, word, stem(word)) >= 0.9)
  return at > 0 && words.slice(Math.max(0, at - 3), at).some((word) => NUMBER.test(word))
}

const NUMBER = /^(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|no|single|only)$/u
