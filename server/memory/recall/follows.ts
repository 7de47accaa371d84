/** Whether what was told right after a sentence takes its place as an answer: "the table is for four", "make that seven". */
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { CHANGE } from '../facts/follow-ups.ts'
import { holds } from './holds.ts'
import type { Question } from './question.ts'
import type { Wanted } from './wanted.ts'
import { rarityOf } from './word-vectors.ts'

/** It stands for something said before. */
const BACK = /\b(?:it|its|it's|that|them|they|they're|he|he's|she|she's|him|her|this|those|there|ones?|other)\b/iu
/** "It's the family room tonight", "they will be in Bodrum". */
const IS_NOW =
  /\b(?:it|that|he|she|they)(?:'?s|'?re|'ll be| is| are| was| will be| should be| has to be)\b(?! (?:\p{L}+ing|\p{L}+ed)\b)/iu
/** "The 55 cm one", "the other one". */
const OF_SOME = /\b(?:the|that) (?:\S+ ){0,3}ones?\b|\bthe other\b/iu
/** Other words than those of a correction at once. */
const MADE_OTHER =
  /\bmake (?:that|it)\b|\b(?:use|passed|handed|lent|gave|given|reset|stolen|broke|died|prefer|these days|spel(?:led|t)|reckons?|misread|ought|dropped|decided|settled|ended up|go(?:es|ing)? with|went with|rather|better|back to|by mistake|takes? over|took over|stands? in)\b/iu
/** Kinds that a sentence has or has not, whatever it says. */
const PLAIN: ReadonlySet<Wanted> = new Set<Wanted>([
  ...(['email', 'phone', 'clock', 'time', 'money', 'dose', 'age', 'count', 'number'] as const),
  ...(['duration', 'height', 'weight', 'size', 'code', 'frequency', 'password'] as const),
])

/** `next` was told after `said`, which answers the question. */
export function takesItsPlace({ wanted, known, words }: Question, said: string, next: string): boolean {
  const before = new Set(wordsOf(said).map(stem))
  const own = wordsOf(next)
  const asked = new Set([...words.keys()].flatMap((either) => either.split('|')).map(stem))
  const shares = own.some((word) => before.has(stem(word)) && !isCommon(word) && rarityOf(word) > LEAST_RARE)
  const denies = [
    ...next.matchAll(
      /\b(?:not|isn'?t|wasn'?t|no longer|instead of|rather than)(?: (?:the|an?|in|at|on))? (?<word>[\p{L}\p{N}]+)/giu,
    ),
  ].some(({ groups }) => before.has(stem((groups?.['word'] ?? '').toLowerCase())))
  if (!BACK.test(next) && !shares && !denies) return false
  const isFresh = own.some(
    (word) => !before.has(stem(word)) && !asked.has(stem(word)) && (!isCommon(word) || /\d/u.test(word)),
  )
  const changes = denies || CHANGE.test(next) || OF_SOME.test(next) || MADE_OTHER.test(next)
  if (wanted === null) return isFresh && changes
  const hasKind = holds(wanted, next, new Set([...known, ...wordsOf(said)]))
  if (PLAIN.has(wanted)) return hasKind && (changes || IS_NOW.test(next) || shares)
  return isFresh && (changes ? hasKind || IS_NOW.test(next) : IS_NOW.test(next) && (hasKind || wanted === 'place'))
}

const LEAST_RARE = 0.4

/** "It's onions, not gluten": from here on a sentence says what does not hold any more. */
const DENIED = /[\s,;(–-]+(?:(?:and |but )?not|instead of|rather than|no longer)\s[^,;.!?]*[.!?]*$/iu

/** The sentence without its end where that names what was said before. */
export function withoutDenied(said: string, next: string): string {
  const before = new Set(wordsOf(said).map(stem))
  const tail = DENIED.exec(next)
  const names = tail !== null && wordsOf(tail[0]).some((word) => !isCommon(word) && before.has(stem(word)))
  return names && wordsOf(next.slice(0, tail.index)).length > 1 ? next.slice(0, tail.index) : next
}
