/** A sentence beside a later one, and what is asked, in numbers: what says that the later one takes its place as the answer. */
import { CHANGE, followUpOf } from '../facts/follow-ups.ts'
import { typedValues } from '../facts/typed-values.ts'
import { isBeingWord, spelled } from '../facts/vocabulary.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import { answers, LEAST_SURE } from './answers.ts'
import { holds } from './holds.ts'
import type { Question } from './question.ts'
import { readFeature } from './pair.ts'
import { areAlike } from './related-words.ts'
import { isRespelled, replacedValue } from './replaced-value.ts'
import {
  BACK,
  BEFORE_GONE,
  BEING_BACK,
  CORRECTS,
  DEFINITE,
  IS_NOW,
  IT_IS,
  MADE_OTHER,
  MISSAID,
  OF_USER,
  OWN_TOPIC,
  SAID_OF,
  STARTS_BACK,
  TIME,
  TOPIC_IS,
  VERB,
} from './replacement-words.ts'
import { isKnownWord, meaningOf, rarityOf } from './word-vectors.ts'

const TOPIC = [
  'sharedTopic',
  'sharedAsked',
  'unseen',
  'unseenAtStart',
  'likeAll',
  'ownTopic',
  'otherBeing',
  'topicIs',
] as const
const OLD = [
  'namesOld',
  'namesOldName',
  'isOldOff',
  'likeOld',
  'likeAsked',
  'newName',
  'isRespelled',
  'turnChanges',
  'turnNamesOld',
] as const
const VALUE = [
  'holdsKind',
  'lacksKind',
  'holdsDefinite',
  'definiteValue',
  'numberValue',
  'nameValue',
  'lacksValue',
  'sameFrame',
  'shortAndKind',
  'nextAndKind',
  'nextAndValue',
  'byFollowUp',
] as const
const FORM = [
  'corrects',
  'changes',
  'isNow',
  'refersBack',
  'beingBack',
  'isTiny',
  'isShort',
  'isFragment',
  'ofUser',
  'corrected',
  'nextCorrected',
  'itIs',
  'nextBack',
] as const
type TopicFeature = (typeof TOPIC)[number]
type OldFeature = (typeof OLD)[number]
type ValueFeature = (typeof VALUE)[number]
type FormFeature = (typeof FORM)[number]
export const REPLACEMENT_FEATURES = [
  'one',
  'isNext',
  ...TOPIC,
  ...OLD,
  ...VALUE,
  ...FORM,
  'answers',
  'vectorSaid',
  'vectorAsked',
  'read',
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
  /** The logarithm of the odds that it takes the other's place, by a reader; null where they were not read. */
  readonly read?: number | null
}

/** What is looked at of the two sentences. */
interface Pair extends Next {
  readonly question: Question
  readonly said: string
  /** Words of the question, of the earlier sentence without the commonest, and of the later one. */
  readonly asked: readonly string[]
  readonly told: readonly string[]
  readonly own: readonly string[]
  /** Whether a word, another form of it or one that is said for it is asked or was told. */
  readonly isKnown: (word: string) => boolean
}

/** The features of `next` as what holds instead of `said`, an answer to the question. */
export function replacementFeatures(question: Question, said: string, next: Next): ReplacementFeatures {
  const asked = [...question.words.keys()].flatMap((either) => either.split('|'))
  const told = wordsOf(said).filter((word) => !isCommon(word) || /\d/u.test(word))
  const keys = [...told, ...asked].map(keyOf)
  const isKnown = (word: string): boolean => isAmong(keys, word)
  const pair = { ...next, question, said, asked, told, own: wordsOf(next.text), isKnown }
  return {
    one: 1,
    isNext: flag(next.isNext),
    ...topicFeatures(pair),
    ...oldFeatures(pair),
    ...valueFeatures(pair),
    ...formFeatures(pair),
    answers: Math.min(answers(question, { text: next.text, topic: null }), LEAST_SURE) / LEAST_SURE,
    vectorSaid: next.similarity?.said ?? USUAL,
    vectorAsked: next.similarity?.asked ?? USUAL,
    read: readFeature(next.read),
  }
}

type Features<F extends ReplacementFeature> = Record<F, number>

/** Whether it is about the same: words that both have, and those that only the later one has. */
function topicFeatures({ asked, told, own, question, text, isKnown }: Pair): Features<TopicFeature> {
  const inValue = new Set(typedValues(text).flatMap((value) => wordsOf(value.text)))
  const topics = [...new Set(own)].filter(
    (word) =>
      !isCommon(word) && !CHANGE.test(word) && !CORRECTS.test(word) && rarityOf(word) > 0.35 && !inValue.has(word),
  )
  const shared = topics.filter(isKnown)
  const unseen = topics.filter((word) => !isKnown(word) && isKnownWord(word))
  const known = [...told, ...question.known].filter((word) => !isCommon(word))
  const nearest = unseen.map((word) => Math.max(0, ...known.map((one) => meaningOf(word, one))))
  const weightOf = (words: readonly string[]): number => words.reduce((sum, word) => sum + rarityOf(word) ** 2, 0)
  const askedKeys = asked.map(keyOf)
  const isOther = (word: string): boolean => !isKnown(word) && !isCommon(word)
  const start = wordsOf(TOPIC_IS.exec(text)?.groups?.['topic'] ?? '').filter(
    (word) => !isCommon(word) && !CHANGE.test(word),
  )
  const owned = [...text.matchAll(OWN_TOPIC)].flatMap(({ groups }) => wordsOf(groups?.['topic'] ?? ''))
  return {
    sharedTopic: Math.min(2, weightOf(shared)) / 2,
    sharedAsked: Math.min(1.5, weightOf(shared.filter((word) => isAmong(askedKeys, word)))) / 1.5,
    unseen: Math.min(6, unseen.length) / 6,
    unseenAtStart: flag(start.length > 0 && start.every(isOther)),
    likeAll: nearest.length === 0 ? 0 : nearest.reduce((sum, one) => sum + one, 0) / nearest.length,
    ownTopic: flag(owned.some(isOther)),
    otherBeing: flag(own.some((word) => isBeingWord(word) && isOther(word)) && !told.some(isBeingWord)),
    topicIs: flag(start.some(isOther) && /\b(?:is|are|was|were)\b|[:=]/iu.test(text)),
  }
}

/** What it says of what was told and is not asked for: the old value is among that. */
function oldFeatures({ asked, told, own, question, said, text, before, isKnown }: Pair): Features<OldFeature> {
  const askedKeys = new Set(asked.map(keyOf))
  const old = told.filter((word) => !askedKeys.has(keyOf(word)) && !question.known.has(word))
  const isRare = (word: string): boolean => word.length > 2 && rarityOf(word) > RARE && !TIME.test(word)
  const [ownKeys, turnKeys] = [own, wordsOf(before)].map((words) => new Set(words.map(keyOf)))
  const named = old.filter((word) => isRare(word) && ownKeys!.has(keyOf(word)))
  const names = named.filter((word) => !isKnownWord(word) || new RegExp(`\\b${capital(word)}`, 'u').test(said))
  const fresh = [...new Set(own)].filter((word) => !isKnown(word) && !isCommon(word) && rarityOf(word) > 0.4)
  const isNewName = (word: string): boolean =>
    !isKnownWord(word) || new RegExp(`\\S\\s+["'(]?${capital(word)}`, 'u').test(text)
  const nearness = (to: readonly string[]): number =>
    Math.max(0, ...fresh.flatMap((word) => to.map((one) => (rarityOf(one) > 0.4 ? meaningOf(word, one) : 0))))
  const toldKeys = told.map(keyOf)
  return {
    namesOld: flag(named.length > 0),
    namesOldName: flag(names.length > 0),
    isOldOff: flag(named.some((word) => isOff(text, word))),
    likeOld: nearness(old.filter((word) => !isCommon(word))),
    likeAsked: nearness(asked),
    newName: flag(fresh.some(isNewName)),
    isRespelled: flag(isRespelled(old, own, (word) => toldKeys.includes(keyOf(word)))),
    turnChanges: flag(before !== '' && (CHANGE.test(before) || CORRECTS.test(before) || IS_NOW.test(before))),
    turnNamesOld: flag(told.some((word) => isRare(word) && turnKeys!.has(keyOf(word)))),
  }
}

/** Whether it has what is asked for, or a value of a kind that was told. */
function valueFeatures({ question, said, own, text, isNext }: Pair): Features<ValueFeature> {
  const kind = question.wanted
  const hasKind = kind !== null && holds(kind, text, new Set([...question.known, ...wordsOf(said)]))
  const pair = replacedValue(typedValues(text), said, text)
  const hadDefinite = typedValues(said).some((one) => DEFINITE.has(one.kind))
  return {
    holdsKind: flag(hasKind),
    lacksKind: flag(kind !== null && !hasKind),
    holdsDefinite: flag(hasKind && DEFINITE_KINDS.has(kind)),
    definiteValue: flag(pair !== null && DEFINITE.has(pair.value.kind)),
    numberValue: flag(pair?.value.kind === 'number'),
    nameValue: flag(pair?.value.kind === 'name'),
    lacksValue: flag(pair === null && hadDefinite && kind !== null && !hasKind),
    sameFrame: flag(pair !== null && pair.isFramed),
    shortAndKind: flag(own.length <= SHORT && (hasKind || pair !== null)),
    nextAndKind: flag(isNext && hasKind),
    nextAndValue: flag(isNext && pair !== null),
    byFollowUp: flag(followUpOf({ text, start: 0, end: text.length }, [{ text: said, fact: null }]) !== undefined),
  }
}

/** How it is said. */
function formFeatures({ own, told, text, before, isNext }: Pair): Features<FormFeature> {
  return {
    corrects: flag(CORRECTS.test(text)),
    changes: flag(CHANGE.test(text) || MADE_OTHER.test(text)),
    isNow: flag(IS_NOW.test(text)),
    refersBack: flag(BACK.test(text)),
    beingBack: flag(BEING_BACK.test(text) && told.some(isBeingWord)),
    isTiny: flag(own.length <= TINY),
    isShort: flag(own.length <= SHORT),
    isFragment: flag(!VERB.test(text)),
    ofUser: flag(OF_USER.test(text)),
    corrected: flag(MISSAID.test(text)),
    nextCorrected: flag(isNext && (MISSAID.test(text) || MISSAID.test(before))),
    itIs: flag(isNext && IT_IS.test(text)),
    nextBack: flag(isNext && STARTS_BACK.test(text)),
  }
}

/** Rarer words say what a sentence is about; so many words are few. */
const RARE = 0.5
const [TINY, SHORT] = [3, 6]
const flag = (is: boolean): number => (is ? 1 : 0)
const isAmong = (keys: readonly string[], word: string): boolean =>
  keys.some((key) => key === keyOf(word) || areAlike(key, keyOf(word)))

const DEFINITE_KINDS: ReadonlySet<string | null> = new Set(
  'email phone clock time money dose age code password duration'.split(' '),
)

/** What a similarity is taken for where there is none. */
const USUAL = 0.5

const keyOf = (word: string): string => stem(spelled(word))
const capital = (word: string): string => `${word[0]!.toUpperCase()}${word.slice(1).replaceAll(/[^\p{L}\p{N}]/gu, '.')}`

/** Whether a sentence says of a word that it is so no more. */
export function isOff(text: string, word: string): boolean {
  const at = text.toLowerCase().indexOf(word)
  if (at < 0) return false
  return SAID_OF.test(text.slice(at + word.length)) || BEFORE_GONE.test(text.slice(0, at))
}
