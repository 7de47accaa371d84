/** How much of a question's word a sentence says: the same word in any form, another one for it, or one with a letter wrong. */
import { isBeingWord } from '../facts/vocabulary.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import type { Question } from './question.ts'
import { areAlike } from './related-words.ts'

/** What is told of a story is not told of its teller. */
const FICTION =
  /\b(?:hero|heroine|character|dreamed|dreamt|in (?:the|a) (?:film|movie|novel|story|book|game|series))\b/iu

/** How much of a word another one says. */
const SAYS = { same: 1, alike: 0.9, part: 0.75, typo: 0.8 } as const

/** Whether a sentence is of a story, or has no word that the question has not. */
export function tellsNothingElse(question: Question, text: string): boolean {
  const frame = FICTION.exec(text)?.[0].toLowerCase()
  if (frame !== undefined && !question.known.has(frame.split(' ').at(-1)!)) return true
  const asked = new Set([...question.words.keys()].flatMap((one) => one.split('|')).map(stem))
  return !/\d/u.test(text) && wordsOf(text).every((word) => isCommon(word) || asked.has(stem(word)))
}

/** Whose it is has to be said: of a phone number that is told, not each is the boss's. */
export function isSomebody(word: string): boolean {
  return isBeingWord(word) && !/^(?:pets?|kids?|child|children|baby|friends?)$/u.test(word)
}

/** 0 to 1: how much of a word another one says; its stem is known. */
export function likeness(word: string, said: string, saidStem: string): number {
  const asked = stem(word)
  if (asked === saidStem) return SAYS.same
  if (areAlike(asked, saidStem)) return SAYS.alike
  if (isTypo(word, said) && !(isBeingWord(word) && isBeingWord(said))) return SAYS.typo
  // A grandmother is no mother, but a physio is a physiotherapist.
  if (isBeingWord(word) || isBeingWord(said)) return asked.length >= 5 && saidStem.startsWith(asked) ? SAYS.part : 0
  const isPart = [asked, saidStem].some((one, at, both) => both[1 - at]!.startsWith(one) || both[1 - at]!.endsWith(one))
  return isPart && Math.min(asked.length, saidStem.length) >= 4 ? SAYS.part : 0
}

/** One letter more, less, other, or two that changed places. */
function isTypo(a: string, b: string): boolean {
  if (Math.min(a.length, b.length) < 5 || Math.abs(a.length - b.length) > 1 || /\d/u.test(a + b)) return false
  let from = 0
  while (from < Math.min(a.length, b.length) && a[from] === b[from]) from++
  const [restA, restB] = [a.slice(from), b.slice(from)]
  return (
    restA.slice(1) === restB.slice(1) ||
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
  )
}
