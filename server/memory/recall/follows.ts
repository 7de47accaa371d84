/** Whether what was told right after a sentence takes its place as an answer: "the table is for four", "make that seven". */
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { CHANGE, NO_TOPIC } from '../facts/follow-ups.ts'
import { holds } from './holds.ts'
import type { Question } from './question.ts'
import type { Wanted } from './wanted.ts'
import { rarityOf } from './word-vectors.ts'

/** It stands for something said before. */
const BACK = /\b(?:it|its|it's|that|them|they|they're|he|he's|she|she's|him|her|their|this|those|there|ones?|other)\b/iu
/** "It's the family room tonight", "they will be in Bodrum". */
const IS_NOW =
  /\b(?:it|that|he|she|they)(?:'?s|'?re|'ll be| is| are| was| will be| should be| has to be)\b(?! (?:\p{L}+ing|\p{L}+ed)\b)/iu
/** "The 55 cm one", "the other one". */
const OF_SOME = /\b(?:the|that) (?:\S+ ){0,3}ones?\b|\bthe other\b/iu
/** Other words than those of a correction at once. */
export const MADE_OTHER =
  /\bmake (?:that|it)\b|\b(?:use|passed|handed|lent|gave|given|reset|stolen|broke|died|prefer|these days|spel(?:led|t)|reckons?|misread|ought|dropped|decided|settled|ended up|go(?:es|ing)? with|went with|rather|better|back to|by mistake|takes? over|took over|stands? in|lately|nah|rearranged|reorgani[sz]ed|reshuffled|doubled|halved)\b/iu
/** Kinds that a sentence has or has not, whatever it says. */
const PLAIN: ReadonlySet<Wanted> = new Set<Wanted>([
  ...(['email', 'phone', 'clock', 'time', 'money', 'dose', 'age', 'count', 'number'] as const),
  ...(['duration', 'height', 'weight', 'size', 'code', 'frequency', 'password'] as const),
])

/** Of which a sentence that means what was said before seldom has another one by chance. */
const DEFINITE: ReadonlySet<Wanted> = new Set<Wanted>(['email', 'phone', 'clock', 'time', 'money', 'dose'])
const LEAST_RARE = 0.4
const NOT =
  /\b(?:not|isn'?t|wasn'?t|no longer|instead of|rather than)(?: (?:the|an?|in|at|on))? (?<word>[\p{L}\p{N}]+)/giu
/** "Jonas is the cousin", "level 3 is closed": said of what was told, so that something else holds. */
const SAID_OF = /^[\s,'’s]*(?:is|are|was|isn'?t|can'?t|left|retired|quit|closed|shut|said no|got)\b/iu

/** "My sister's hobby", "our bike": whose words say what a sentence is about. */
const OWN_TOPIC =
  /\b(?:my|our)\s+(?<topic>(?:\p{L}[\p{L}'’-]*\s+){0,2}?\p{L}[\p{L}'’-]*)(?=\s+(?:is|are|was|were|has|have|had|changed|works?|lives?|now|to|from|at|in|on|for|with|=)\b|\s*[:=,.!?]|$)/giu

/** It names what it is about, and that was not said or asked before. */
function isOfElse(next: string, attribute: string | null, isSaid: (word: string) => boolean): boolean {
  const isNew = (word: string): boolean => !isCommon(word) && !isSaid(word)
  const named = [...next.matchAll(OWN_TOPIC)].flatMap(({ groups }) => wordsOf(groups?.['topic'] ?? ''))
  if (named.some(isNew)) return true
  if (attribute === null || NO_TOPIC.test(attribute)) return false
  const own = new Set(wordsOf(next))
  return wordsOf(attribute).some((word) => own.has(word) && isNew(word))
}

/** `next` was told after `said`, which answers the question. `attribute`: what a rule has read that `next` is about. */
export function takesItsPlace(
  { wanted, known, words }: Question,
  said: string,
  next: string,
  attribute: string | null = null,
): boolean {
  const before = new Set(wordsOf(said).map(stem))
  const own = wordsOf(next)
  const asked = new Set([...words.keys()].flatMap((either) => either.split('|')).map(stem))
  const shared = own.filter((word) => before.has(stem(word)) && !isCommon(word) && rarityOf(word) > LEAST_RARE)
  const denies = [...next.matchAll(NOT)].some(({ groups }) => before.has(stem((groups?.['word'] ?? '').toLowerCase())))
  if (!BACK.test(next) && shared.length === 0 && !denies) return false
  if (isOfElse(next, attribute, (word) => before.has(stem(word)) || asked.has(stem(word)))) return false
  const isFresh = own.some(
    (word) => !before.has(stem(word)) && !asked.has(stem(word)) && (!isCommon(word) || /\d/u.test(word)),
  )
  const old = shared.filter((word) => !asked.has(stem(word)))
  const isOff = old.some((word) => SAID_OF.test(next.slice(next.toLowerCase().indexOf(word) + word.length)))
  const isSaidNow = IS_NOW.test(next)
  const changes = denies || CHANGE.test(next) || OF_SOME.test(next) || MADE_OTHER.test(next) || (isOff && isSaidNow)
  if (wanted === null) return isFresh && changes
  const hasKind = holds(wanted, next, new Set([...known, ...wordsOf(said)]))
  if (PLAIN.has(wanted)) return hasKind && (changes || isSaidNow || shared.length > 0 || DEFINITE.has(wanted))
  if (changes || isOff) return isFresh && (hasKind || isSaidNow)
  return isFresh && isSaidNow && (hasKind || wanted === 'place')
}
