/** A sentence beside a later one, and what is asked, in numbers: what says that the later one takes its place as the answer. */
import { CHANGE, followUpOf } from '../facts/follow-ups.ts'
import { canReplace, typedValues, type TypedValue } from '../facts/typed-values.ts'
import { isBeingWord, spelled } from '../facts/vocabulary.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { answers } from './answers.ts'
import { holds } from './holds.ts'
import { MADE_OTHER } from './follows.ts'
import type { Question } from './question.ts'
import { areAlike } from './related-words.ts'
import { isKnownWord, meaningOf, rarityOf } from './word-vectors.ts'

export const REPLACEMENT_FEATURES = [
  'one',
  'isNext',
  'sharedTopic',
  'sharedAsked',
  'unseen',
  'unseenAtStart',
  'namesOld',
  'namesOldName',
  'isOldOff',
  'likeOld',
  'likeAsked',
  'likeAll',
  'newName',
  'holdsKind',
  'lacksKind',
  'holdsDefinite',
  'definiteValue',
  'numberValue',
  'nameValue',
  'lacksValue',
  'sameFrame',
  'isRespelled',
  'corrects',
  'changes',
  'isNow',
  'refersBack',
  'beingBack',
  'isTiny',
  'isShort',
  'isFragment',
  'ownTopic',
  'otherBeing',
  'topicIs',
  'ofUser',
  'turnChanges',
  'turnNamesOld',
  'shortAndKind',
  'nextAndKind',
  'corrected',
  'nextCorrected',
  'nextBack',
  'itIs',
  'nextAndValue',
  'answers',
  'byFollowUp',
  'vectorSaid',
  'vectorAsked',
] as const
export type ReplacementFeature = (typeof REPLACEMENT_FEATURES)[number]
export type ReplacementFeatures = Readonly<Record<ReplacementFeature, number>>

/** A sentence told later than another one. */
export interface Next {
  readonly text: string
  /** What its turn says before it. */
  readonly before: string
  /** Nothing was told between. */
  readonly isNext: boolean
  /** Cosines of the embedder's vectors, as parts of the least that it calls similar; null without an embedder. */
  readonly similarity: { readonly said: number; readonly asked: number } | null
}

/** "No wait", "sorry I meant", "typo": said of what was written, not of what happened. */
const CORRECTS =
  /\b(?:actually|no,? wait|wait|sorry|sry|scratch|correction|correcting|meant|oops|whoops|woops|my bad|my mistake|mistake|typo|wrong|ignore|forget|strike|apologies|lied|misread|misheard|mixed up|in fact|should (?:be|say|have)|turn(?:s|ed) out|rather|instead|nah|nope|update[ds]?|spel(?:led|t)|not)\b|^no\b|\*\s*$|^\S+\*(?:\s|$)/iu
/** What was written was wrong. */
const MISSAID =
  /\b(?:no,? wait|wait,? no|scratch that|correction|(?:i|we) meant|should (?:be|say|have (?:said|been|written))|(?:ought|meant) to have (?:written|said)|oops|who+ps|my bad|my mistake|typo|sorry|sry|strike that|i (?:lied|was wrong|got (?:it|that) wrong|wrote|typed|said)|slip of|misread|misheard|mistyped|ignore (?:what|that|the)|forget (?:what|that|the)|mixed (?:them|it|that|up)|apologies|turns? out|turned out|it'?s (?:actually |really )?spel(?:led|t)|looked again|told you wrong|say wrong)\b|^(?:no|nope|nah|not|correction|update|edit)\b|^\S+\*(?:\s|$)|\bactually\W*$|^actually\b/iu
/** It begins with what was meant before, or with what was done. */
const STARTS_BACK =
  /^\W*(?:(?:ok|so|well|no|nah|oops|and|but|actually|sorry|yeah|hm+|um+|wait|anyway)\W+)*(?:it|its|it's|it'll|that|that's|thats|they|they're|they've|theyve|he|he's|hes|he'll|she|she's|shes|she'll|make|should|moved|changed|swapped|switched)\b/iu
/** "It's the family room tonight", "they will be in Bodrum". */
const IT_IS =
  /\b(?:(?:it|that|he|she|they|everything)(?:'?s|'?re|'ll be| is| are| was| will be| should be| has to be|'d be)|(?:i|we)(?:'m|'re| am| are) (?:on|in|at|with|the|going|now)|make (?:it|that)|is now|now it'?s|so it'?s|it is)\b/iu
const IS_NOW =
  /\b(?:now|these days|nowadays|from now on|from here on|from today|as of|starting|since|this week|new|today|lately|any ?more|any longer|no longer|all along|after all)\b/iu
const BACK =
  /\b(?:it|its|it's|that|them|they|they're|theyve|they've|he|he's|hes|she|she's|shes|him|her|his|their|this|those|there|ones?|other|another|else|same)\b/iu
const BEING_BACK = /\b(?:he|he's|hes|she|she's|shes|him|her|his)\b/iu
const VERB =
  /\b(?:is|are|was|were|am|be|been|has|have|had|do|does|did|will|would|can|could|should|must|got|get|gets|goes?|went|says?|said|put|moved?|changed?|makes?|made|gave|gives?|came|comes?|took|takes?|left|needs?|wants?|\p{L}{3,}ed|\p{L}{2,}n't|\p{L}+'(?:s|re|m|ll|ve|d))\b/iu
const OWN_TOPIC = /\b(?:my|our)\s+(?:(?:new|old|own|next|other|whole|little|big)\s+)*(?<topic>[\p{L}'’-]+)/giu
/** "The alarm code is", "gas meter reading:": what a sentence is about stands before it. */
const TOPIC_IS =
  /^\W*(?<topic>(?:[\p{L}\p{N}'’-]+\s+){0,5}?[\p{L}\p{N}'’-]+)(?:\s+(?:is|are|was|were|has|have|gets?|goes|comes|starts?)\b|'s\s|\s*[:=])/iu
const OF_USER = /\b(?:i|i'?m|i'?ve|i'?ll|i'?d|me|we|we're|we've|us)\b/iu
const SAID_OF =
  /^[\s,'’s]*(?:\S+\s+){0,2}?(?:is|are|was|were|isn'?t|can'?t|cannot|could|wouldn'?t|won'?t|left|retired|quit|closed|shut|said no|got|went|moved|took|cancel\p{L}*|died|broke|gave|gives?|leaked|dropped|bowed|passed|has|had|out|double|didn'?t|doesn'?t)\b/iu
const BEFORE_GONE =
  /\b(?:not|isn'?t|wasn'?t|no longer|any ?more|instead of|rather than|from|left|quit|sold|closed|ditched|dropped|finished|done|off|with|at|face|hated?|missed|scrapped|rip|w)\s+(?:\S+\s+){0,2}$/iu
const TIME =
  /^(?:\d{1,2}|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|days?|weeks?|months?|years?|today|tomorrow|mornings?|evenings?|nights?|time|new|one|two|three|four|five|six|seven|eight|nine|ten)$/u
const DEFINITE: ReadonlySet<string> = new Set(['email', 'clock', 'day', 'date', 'code', 'amount'])

/** The features of `next` as what holds instead of `said`, an answer to the question. */
export function replacementFeatures(question: Question, said: string, next: Next): ReplacementFeatures {
  const { text, before, isNext } = next
  const asked = new Set([...question.words.keys()].flatMap((either) => either.split('|')).map(keyOf))
  const told = wordsOf(said).filter((word) => !isCommon(word) || /\d/u.test(word))
  const toldKeys = told.map(keyOf)
  const old = told.filter((word) => !asked.has(keyOf(word)) && !question.known.has(word))
  const own = wordsOf(text)
  const values = typedValues(text)
  const inValue = new Set(values.flatMap((value) => wordsOf(value.text)))
  const content = [...new Set(own)].filter(
    (word) => !isCommon(word) && !CHANGE.test(word) && !CORRECTS.test(word) && rarityOf(word) > 0.35,
  )
  const has = (keys: readonly string[], word: string): boolean =>
    keys.some((key) => key === keyOf(word) || areAlike(key, keyOf(word)))
  const known = [...toldKeys, ...asked]
  const topics = content.filter((word) => !inValue.has(word))
  const shared = topics.filter((word) => has(known, word))
  const unseen = topics.filter((word) => !has(known, word) && isKnownWord(word))
  const nearest = unseen.map((word) =>
    Math.max(0, ...[...told, ...question.known].map((one) => (isCommon(one) ? 0 : meaningOf(word, one)))),
  )
  const weightOf = (words: readonly string[]): number => words.reduce((sum, word) => sum + rarityOf(word) ** 2, 0)
  const ownKeys = new Set(own.map(keyOf))
  const named = old.filter(
    (word) => word.length > 2 && rarityOf(word) > 0.5 && !TIME.test(word) && ownKeys.has(keyOf(word)),
  )
  const fresh = [...new Set(own)].filter((word) => !has(known, word) && !isCommon(word) && rarityOf(word) > 0.4)
  const nearness = (to: readonly string[]): number =>
    Math.max(0, ...fresh.flatMap((word) => to.map((one) => (rarityOf(one) > 0.4 ? meaningOf(word, one) : 0))))
  const olds = old.filter((word) => !isCommon(word))
  const newName = fresh.some(
    (word) => !isKnownWord(word) || new RegExp(`\\S\\s+["'(]?${capital(word)}`, 'u').test(text),
  )
  const names = named.filter((word) => !isKnownWord(word) || new RegExp(`\\b${capital(word)}`, 'u').test(said))
  const turn = wordsOf(before)
  const pair = replacedValue(values, said, text)
  const kind = question.wanted
  const hasKind = kind !== null && holds(kind, text, new Set([...question.known, ...wordsOf(said)]))
  const size = own.length
  const start = TOPIC_IS.exec(text)?.groups?.['topic'] ?? ''
  const startWords = wordsOf(start).filter((word) => !isCommon(word) && !CHANGE.test(word))
  const isOther = (word: string): boolean => !has(known, word) && !isCommon(word)
  const topicsOwned = [...text.matchAll(OWN_TOPIC)].flatMap(({ groups }) => wordsOf(groups?.['topic'] ?? ''))
  const flag = (is: boolean): number => (is ? 1 : 0)
  const isShort = size <= 6
  return {
    one: 1,
    isNext: flag(isNext),
    sharedTopic: Math.min(2, weightOf(shared)) / 2,
    sharedAsked: Math.min(1.5, weightOf(shared.filter((word) => has([...asked], word)))) / 1.5,
    unseen: Math.min(6, unseen.length) / 6,
    unseenAtStart: flag(startWords.length > 0 && startWords.every(isOther)),
    namesOld: flag(named.length > 0),
    namesOldName: flag(names.length > 0),
    isOldOff: flag([...named].some((word) => isOff(text, word))),
    likeOld: nearness(olds),
    likeAsked: nearness([...question.words.keys()].flatMap((either) => either.split('|'))),
    likeAll: nearest.length === 0 ? 0 : nearest.reduce((sum, one) => sum + one, 0) / nearest.length,
    newName: flag(newName),
    holdsKind: flag(hasKind),
    lacksKind: flag(kind !== null && !hasKind),
    holdsDefinite: flag(hasKind && DEFINITE_KINDS.has(kind)),
    definiteValue: flag(pair !== null && DEFINITE.has(pair.value.kind)),
    numberValue: flag(pair?.value.kind === 'number'),
    nameValue: flag(pair?.value.kind === 'name'),
    lacksValue: flag(
      pair === null && typedValues(said).some(({ kind: of }) => DEFINITE.has(of)) && kind !== null && !hasKind,
    ),
    sameFrame: flag(pair !== null && pair.isFramed),
    isRespelled: flag(isRespelled(old, own, toldKeys)),
    corrects: flag(CORRECTS.test(text)),
    changes: flag(CHANGE.test(text) || MADE_OTHER.test(text)),
    isNow: flag(IS_NOW.test(text)),
    refersBack: flag(BACK.test(text)),
    beingBack: flag(BEING_BACK.test(text) && told.some((word) => isBeingWord(word))),
    isTiny: flag(size <= 3),
    isShort: flag(isShort),
    isFragment: flag(!VERB.test(text)),
    ownTopic: flag(topicsOwned.some(isOther)),
    otherBeing: flag(own.some((word) => isBeingWord(word) && isOther(word)) && !told.some(isBeingWord)),
    topicIs: flag(startWords.some(isOther) && /\b(?:is|are|was|were)\b|[:=]/iu.test(text)),
    ofUser: flag(OF_USER.test(text)),
    turnChanges: flag(before !== '' && (CHANGE.test(before) || CORRECTS.test(before) || IS_NOW.test(before))),
    turnNamesOld: flag(
      told.some(
        (word) => word.length > 2 && rarityOf(word) > 0.5 && !TIME.test(word) && turn.map(keyOf).includes(keyOf(word)),
      ),
    ),
    shortAndKind: flag(isShort && (hasKind || pair !== null)),
    corrected: flag(MISSAID.test(text)),
    nextCorrected: flag(isNext && (MISSAID.test(text) || MISSAID.test(before))),
    itIs: flag(isNext && IT_IS.test(text)),
    nextBack: flag(isNext && STARTS_BACK.test(text)),
    nextAndKind: flag(isNext && hasKind),
    nextAndValue: flag(isNext && pair !== null),
    answers: Math.min(answers(question, text, null), 0.45) / 0.45,
    byFollowUp: flag(followUpOf({ text, start: 0, end: text.length }, [{ text: said, fact: null }]) !== undefined),
    vectorSaid: next.similarity?.said ?? USUAL,
    vectorAsked: next.similarity?.asked ?? USUAL,
  }
}

const DEFINITE_KINDS: ReadonlySet<string | null> = new Set(
  'email phone clock time money dose age code password duration'.split(' '),
)

/** What a similarity is taken for where there is none. */
const USUAL = 0.5

const keyOf = (word: string): string => stem(spelled(word))
const capital = (word: string): string => `${word[0]!.toUpperCase()}${word.slice(1).replaceAll(/[^\p{L}\p{N}]/gu, '.')}`

/** A value of the later sentence, and the one of the earlier that it can replace; `isFramed`: the same word stands before both. */
function replacedValue(
  values: readonly TypedValue[],
  said: string,
  text: string,
): { readonly value: TypedValue; readonly isFramed: boolean } | null {
  const olds = typedValues(said)
  const fold = (one: string): string => ` ${wordsOf(one).join(' ')} `
  for (const value of values) {
    if (fold(said).includes(fold(value.text))) continue
    const old = olds.find((one) => canReplace(value.kind, one.kind) && !fold(text).includes(fold(one.text)))
    if (!old) continue
    const lead = (of: string, { start }: TypedValue): string => wordsOf(of.slice(0, start)).at(-1) ?? ''
    const tail = (of: string, { start, text: own }: TypedValue): string =>
      wordsOf(of.slice(start + own.length))[0] ?? ''
    const [a, b] = [lead(said, old), lead(text, value)]
    const [c, d] = [tail(said, old), tail(text, value)]
    const isFramed = (a !== '' && a === b && !isCommon(a)) || (c !== '' && c === d)
    return { value, isFramed }
  }
  return null
}

/** Whether a sentence says of a word that it is so no more. */
export function isOff(text: string, word: string): boolean {
  const at = text.toLowerCase().indexOf(word)
  if (at < 0) return false
  return SAID_OF.test(text.slice(at + word.length)) || BEFORE_GONE.test(text.slice(0, at))
}

/** "4417" after "4471", "Sangita" after "Sangeetha": a word that is nearly one of before and no other word. */
function isRespelled(old: readonly string[], own: readonly string[], toldKeys: readonly string[]): boolean {
  return old.some((before) =>
    own.some((word) => {
      if (toldKeys.includes(keyOf(word)) || Math.min(word.length, before.length) < 3) return false
      if (/^\d+$/u.test(word) && /^\d+$/u.test(before))
        return word.length === before.length && word.length >= 4 && distance(word, before) <= 2
      if (isKnownWord(word) && isKnownWord(before)) return false
      return (
        word.length >= 4 && word[0] === before[0] && distance(word, before) <= Math.max(1, Math.floor(word.length / 3))
      )
    }),
  )
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
