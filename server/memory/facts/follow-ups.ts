/** Corrections that name no topic, or name it anew without a word of change: "they moved it, in at 20:30", "the train goes at 06:48". */
import { areAlike } from '../recall/related-words.ts'
import { rarityOf } from '../recall/word-vectors.ts'
import { memoized } from '../memoized.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import type { Fact, Sentence } from './fact.ts'
import { mayRevise } from './revisions.ts'
import { isOfNewcomer } from './somebody.ts'
import { isBeingWord, OWN_NOUNS, spelled } from './vocabulary.ts'
import { canReplace, typedValues, type TypedValue } from './typed-values.ts'

/** Told last: what a message without a topic may mean. */
const IN_MIND = 3
const MAX_TOPIC_WORDS = 5
const MAX_LENGTH = 300

/** Words that say that something is not as it was. */
export const CHANGE =
  /\b(?:mov(?:e|ed|ing)|chang\p{L}+|instead|actually|no,? wait|wait|sorry|scratch that|correction|update[ds]?|turns? out|turned out|meant|mix(?:ed)? (?:up|them|it)|misheard|misread|wrong|in fact|swapped|switched|oops|my bad|my mistake|traded|replaced|bumped|shifted|pushed|brought forward|postponed|rescheduled|cancel\p{L}+|went (?:up|down)|(?:gone|went) off|g[ai]ve(?:n)? it back|tightened|extended|raised|lowered|reduced|increased|cut (?:it|to|down)|made it|set it to|isn'?t that|not that|no longer|any ?more|from now on|from today|as of|new|now|left|leave|retired|resigned|fired|gone|ill|quit|dead|over|finished|till|until|growth)\b/iu
/** A topic that has these is half a sentence. */
export const NO_TOPIC = /\b(?:it|them|that|and|was|were|had|have)\b/iu
/** It stands for something said before. */
const BACK = /\b(?:it|its|it's|that|them|they|he|she|this|him|her|those)\b/iu
/** "I moved them", "it isn't that": what was said before is not so. */
const CHANGED_IT =
  /\b(?:moved|changed|swapped|switched|replaced|mixed|shifted|bumped|set|made|traded) (?:it|them|that)\b|\bturn(?:s|ed) out\b|\b(?:isn'?t|wasn'?t|not) (?:it|that)\b|\bgone off (?:it|that|them)\b/iu
/** Before a value that holds. */
const BEFORE_NEW =
  /\b(?:it'?s|its|it is|they'?re|he'?s|she'?s|that'?s|to|now|is|are|make it|say|says)\s+(?:now |actually |the |at |on |an? |only )*$/iu
const SAYS_NEW =
  /\b(?:it'?s|its|it is|they(?:'re| are)?|he'?s|she'?s|that'?s)\s+(?:now |actually |really )*(?<value>[^,;.!?]{2,60}?)[\s.!]*$/iu
/** Kinds of which a value is seldom another one's by chance. */
const DEFINITE: ReadonlySet<string> = new Set(['email', 'clock', 'day', 'date', 'code', 'amount'])
const BEFORE_OLD =
  /\b(?:not|from|instead of|rather than|isn'?t|no longer|(?<!\b(?:it|that) )was|were|than|left|quit|sold)\s+(?:(?:in|at|on|the|an?|my)\s+)?$/iu

/** "Ugh its monday" corrects no day. */
const SIGHS =
  /^\W*(?:ugh+|argh+|pf+|omg|yay|phew|finally|thank god|god)\b(?!.*\b(?:moved|changed|cancel\p{L}+|switched)\b)/iu

/** A memory as what it says: its sentence, and its fact where a rule has read one. */
export interface Said {
  readonly text: string
  readonly fact: { readonly subject: string; readonly attribute: string; readonly value: string } | null
}

/** What a sentence puts in the place of something that was told. */
export interface FollowUp<S> {
  readonly of: S
  readonly old: string
  readonly value: string
}

/** Whether a sentence may be a correction: it has a value, or says that something changed. */
export function mayFollowUp(text: string): boolean {
  return text.length <= MAX_LENGTH && !SIGHS.test(text) && (typedValues(text).length > 0 || CHANGED_IT.test(text))
}

/**
 * What one sentence corrects of what was told, the latest first; undefined where it is about something else. `inMind`: how many of
 * them it may mean without a word of theirs.
 */
export function followUpOf<S extends Said>(
  sentence: Sentence,
  told: readonly S[],
  inMind = IN_MIND,
): FollowUp<S> | undefined {
  const { text } = sentence
  const next = typedValues(text)
  const changes = CHANGE.test(text) || mayRevise(text)
  const topicsWith = memoized((before) => topicsOf(text, before, [...next, ...typedValues(before)]))
  // A sentence follows only that of what was told last with which it has most words in common.
  const isNearest = (shared: number): boolean =>
    told.slice(0, inMind).every((of) => topicsWith(of.text).shared <= shared)
  const found = told.flatMap((of, at) => {
    const pair = replacedBy(next, of.text, text)
    if (!pair || isOfOther(next, of.text, text)) return []
    const { shared, others } = topicsWith(of.text)
    const isDefinite = DEFINITE.has(pair.value.kind)
    const namesOld = wordsOf(pair.old.text).some((word) => word.length > 2 && wordsOf(text).includes(word))
    const lead = text.slice(0, pair.value.start)
    const saysNew = isDefinite && BACK.test(lead) && BEFORE_NEW.test(lead)
    const restates = shared > 0 && others === 0 && isDefinite
    const corrects = changes && ((shared > 0 && (isDefinite || others <= shared + 2)) || namesOld)
    const isOfSomebody = shared === 0 && OF_SOMEBODY.test(text) && !BACK.test(text)
    const isNext =
      at < inMind &&
      isNearest(shared) &&
      !isOfSomebody &&
      !(namesAnother(text, of.text) && !/\b(?:it|them|that)\b/iu.test(text))
    const isAllSaid = others === 0 || (CHANGE.test(text) && (BACK.test(text) || (isDefinite && others <= 2)))
    const follows = isNext && (isAllSaid || (BACK.test(text) && isDefinite && changes) || (saysNew && at === 0))
    const score = (restates ? 4 : corrects ? 3 : follows ? 1 : 0) + Math.min(shared, 3) / 10 - at / 100
    return restates || corrects || follows ? [{ of, old: pair.old.text, value: pair.value.text, score }] : []
  })
  const best = found.toSorted((a, b) => b.score - a.score)[0]
  const [last] = told
  if (
    best ||
    next.length > 0 ||
    inMind === 0 ||
    last === undefined ||
    !CHANGED_IT.test(text) ||
    namesAnother(text, last.text)
  )
    return best
  return { of: last, old: last.fact?.value ?? last.text, value: SAYS_NEW.exec(text)?.groups?.['value'] ?? text }
}

/** "We changed our minds about Slovenia": of something else than what was told, if that says nothing of it. */
function isOfOther(next: readonly TypedValue[], before: string, text: string): boolean {
  const old = next.filter(({ kind, start }) => kind === 'name' && MIND.test(text.slice(0, start)))
  return old.length > 0 && old.every((value) => !names(before, value.text))
}

const MIND = /\b(?:minds?(?: on| about)?|instead of|rather than)\s+(?:the\s)?$/iu

/** A value of the new sentence, and the one of the old that it can replace. */
function replacedBy(
  next: readonly TypedValue[],
  before: string,
  text: string,
): { readonly value: TypedValue; readonly old: TypedValue } | undefined {
  const isNew = ({ start }: TypedValue): boolean => BEFORE_NEW.test(text.slice(0, start))
  for (const value of next.toSorted((a, b) => Number(isNew(b)) - Number(isNew(a)))) {
    if (names(before, value.text) || BEFORE_OLD.test(text.slice(0, value.start))) continue
    const old = typedValues(before).find(
      (one) =>
        canReplace(value.kind, one.kind) &&
        !names(text.slice(value.start + value.text.length), one.text) &&
        (value.kind !== 'name' || isPlaced(text, value) === isPlaced(before, one)),
    )
    if (old) return { value, old }
  }
  return undefined
}

/** "We were married in Whitby" gives a wife no other name. */
const isPlaced = (text: string, { start }: TypedValue): boolean => PLACED.test(text.slice(0, start))
const PLACED = /\b(?:in|at|near|from)\s+(?:the\s)?$/iu

/** How many of the rarer words of a sentence another one has, and how many it has not; values are no topic. */
function topicsOf(text: string, before: string, values: readonly TypedValue[]): { shared: number; others: number } {
  const own = new Set(values.flatMap((value) => wordsOf(value.text)))
  const known = wordsOf(before).map((word) => stem(spelled(word)))
  const topic = [...new Set(wordsOf(text).map(spelled))].filter(
    (word) => !own.has(word) && !isCommon(word) && !CHANGE.test(word) && rarityOf(word) > 0.45,
  )
  const shared = topic.filter((word) => known.some((one) => one === stem(word) || areAlike(one, stem(word))))
  return { shared: shared.length, others: topic.length - shared.length }
}

/** "Actually Zosia turned 15" */
const OF_SOMEBODY =
  /^(?:(?:[Aa]ctually|[Nn]o|[Ww]ait|[Ss]orry|[Oo]h|[Ww]ell|[Aa]nd|[Ss]o|[Bb]ut),? )*\p{Lu}\p{Ll}+ (?:is|was|has|had|went|got|came|took|left|\p{Ll}{2,}ed) /u
/** "My sister's", where a brother was told of; "my locker", where a gate was. */
function namesAnother(text: string, before: string): boolean {
  const words = wordsOf(text)
  const known = wordsOf(before).map(stem)
  if (isOfNewcomer(words, known)) return true
  return words.some((word, at) => {
    const isOwn = /^(?:my|our)$/u.test(words[at - 1] ?? '') && (isBeingWord(word) || OWN_NOUNS.has(word))
    return isOwn && !isCommon(word) && !known.some((one) => one === stem(word) || areAlike(one, stem(word)))
  })
}

function names(text: string, value: string): boolean {
  const fold = (one: string): string => ` ${wordsOf(one).join(' ')} `
  return text.toLowerCase().includes(value.toLowerCase()) || fold(text).includes(fold(value))
}

/** The fact that a correction makes of a memory: on its topic, or on the words of its sentence. */
export function factOfSaid({ text, fact }: Said, value: string, sentence: Sentence): Fact {
  const isRead = fact !== null
  const own = new Set(value === text ? [] : wordsOf(value))
  const topic = wordsOf(text).filter((word) => !isCommon(word) && !own.has(word))
  // Where the value is not known, what it is about stands first: "the keys are under the pot".
  const most = value === text ? 2 : MAX_TOPIC_WORDS
  const about = isRead ? fact : { subject: 'user', attribute: topic.slice(0, most).join(' ') }
  return { subject: about.subject, attribute: about.attribute, value, kind: 'told', sentence, confidence: 0.5 }
}
