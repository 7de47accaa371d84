import { clausesOf, opened } from './clauses.ts'
import { readCorrection } from './corrections.ts'
import type { Fact, Sentence, Told } from './fact.ts'
import { A_NAME, isOfTheMoment } from './moment.ts'
import { MASK, plainOf } from './plain.ts'
import { add, type Clause, type Reading } from './reading.ts'
import { readNames } from './named.ts'
import { sentencesOf } from './sentences.ts'
import { isOfOthers } from './others.ts'
import { asksByNoun, isPlan, isQuestion, isRequest, isScrap, isSmallTalk } from './speech-acts.ts'
import { holdsMany, otherWordsFor } from './supersede.ts'
import { readTelling } from './tellings.ts'
import { ordersToForget, readWithdrawal } from './withdrawals.ts'

/** More facts than this in one message are a pasted document, not a telling. */
const MAX_FACTS = 64

/**
 * What a user's message tells. `recent` are facts told before, the latest last: a correction without a topic of its own takes
 * one of theirs. Questions, requests, quotations and code tell nothing.
 */
export function toldBy(text: string, recent: readonly Fact[] = []): Told {
  if (asksByNoun(text) || JOKE.test(text)) return { facts: [], statements: [] }
  const plain = plainOf(text)
  const reading: Reading = { text, plain, recent, facts: [], focus: focusOf(recent), who: 'user' }
  const statements: Sentence[] = []
  let isCorrecting = false
  /** A word or two before the sentence that they belong to. */
  let scrap: Sentence | undefined
  for (const sentence of sentencesOf(text).map((one, at, all) => asTold(plain, one, all[at - 1]))) {
    const words = plain.slice(sentence.start, sentence.end)
    reading.who = 'user'
    if (isRequest(words)) {
      if (isPlan(words) && !words.includes(MASK)) statements.push(sentence)
      continue
    }
    const before = reading.facts.length
    isCorrecting = readSentence(reading, sentence, isCorrecting)
    if (!isQuestion(words) && !isHypothetical(words))
      readNames(reading, sentence, { sentence, corrects: false, remembers: false, greets: false })
    if (reading.facts.length > MAX_FACTS) break
    const read = reading.facts.slice(before)
    const tells = read.length > 0 && (read.some(({ kind }) => kind === 'told') || !tellsMore(words))
    if (tells || isQuestion(words) || words.includes(MASK)) continue
    const last = statements.at(-1)
    const isBeside = last !== undefined && text.slice(last.end, sentence.start).trim() === ''
    const isTalk = isSmallTalk(words)
    if (isTalk && isScrap(words)) {
      if (isBeside) statements.splice(-1, 1, joined(text, last, sentence))
      else if (
        scrap &&
        text.slice(scrap.end, sentence.start).trim() === '' &&
        tellsInScraps(joined(text, scrap, sentence).text)
      )
        statements.push(joined(text, scrap, sentence))
      else scrap = sentence
      continue
    }
    if (isTalk || isOfTheMoment(words) || ordersToForget(words)) continue
    if (isBeside && isFragment(words)) statements.splice(-1, 1, joined(text, last, sentence))
    else if (scrap && text.slice(scrap.end, sentence.start).trim() === '')
      statements.push(joined(text, scrap, sentence))
    else statements.push(sentence)
  }
  return { facts: reading.facts.slice(0, MAX_FACTS), statements }
}

function joined(text: string, first: Sentence, last: Sentence): Sentence {
  return { text: text.slice(first.start, last.end), start: first.start, end: last.end }
}

/** "Sister Morag. Inverness.", "Ken: chess. Sheila: bridge." tell something together, where two other scraps do not. */
const tellsInScraps = (text: string): boolean => A_NAME.test(text) || /\p{L}: /u.test(text)

/** "I gave up my desk and work out of the library": it takes something back, and tells what there is in its place. */
const tellsMore = (words: string): boolean =>
  /(?:\b(?:and|so|but|now|instead)|[;–—])\s+\S+\s+\S|,\s+(?:i|we|he|she|they|it|my|our)(?:['’]\p{L}+)?\s+\S/iu.test(
    words,
  )

/** Its end is no answer of the user's. */
const JOKE = /^\s*(?:why (?:did|do|does) (?!i\b|you\b|my\b|we\b)|what do you (?:call|get)\b|knock,? knock\b)[^?]*\?/iu

const TAIL_QUESTION =
  /^(?<told>.{12,}?),?\s+(?:(?:but|and|so)\s+)?(?:is|are|do|does|did|can|could|should|would|will|what|how|any|right|ok|isn't|don't)\b[^,?]*\?+$/iu
const NOUN_QUESTION =
  /^(?!(?:what|which|who|why|how|when|where|do|does|did|is|are|can|could|would|will|should|any)\b)[^?]{3,60}\?$/iu

/** A sentence without the question at its end: "my salary is 41k, is that ok?"; an answer with its question: "best band? Can". */
function asTold(plain: string, sentence: Sentence, before: Sentence | undefined): Sentence {
  const words = plain.slice(sentence.start, sentence.end)
  const told = TAIL_QUESTION.exec(words)?.groups?.['told']
  if (told !== undefined && !isQuestion(told) && /,\s/u.test(words.slice(told.length, told.length + 2)))
    return { text: sentence.text.slice(0, told.length), start: sentence.start, end: sentence.start + told.length }
  if (before === undefined || !NOUN_QUESTION.test(before.text) || !isFragment(words) || isQuestion(words))
    return sentence
  const start = before.start
  return { text: `${before.text}${plain.slice(before.end, sentence.start)}${sentence.text}`, start, end: sentence.end }
}

/** "i passed!! 78 percent": a few words without a verb belong to what was said before them. */
function isFragment(words: string): boolean {
  return words.split(/\s+/u).length < 5 && !/\b(?:is|are|am|was|were|has|have|'s|'m)\b/iu.test(words)
}

/** Reads the clauses of a sentence in their order; true where it announces a correction that the next one may make. */
function readSentence(reading: Reading, sentence: Sentence, announced: boolean): boolean {
  let isCorrecting = announced
  let hasRead = false
  for (const span of clausesOf(reading.plain, sentence)) {
    const open = opened(reading.plain, span)
    const remark = CORRECTED.exec(reading.plain.slice(open.start, span.end))
    const told = remark === null ? span.end : open.start + remark.index
    const end = told - (ADDED.exec(reading.plain.slice(open.start, told))?.[0].length ?? 0)
    const words = reading.plain.slice(open.start, end)
    if (open.corrects || remark !== null) isCorrecting = true
    if (words.trim() === '') continue
    const clause: Clause = { ...open, sentence, end, words, corrects: isCorrecting }
    // "Can you forget my locker code?" asks nothing.
    if (isQuestion(words) && !open.remembers && !ordersToForget(words)) continue
    if (isHypothetical(words) || isOfOthers(reading.plain.slice(span.start, span.end))) break
    if (/^(?:sorry|before)\W*$/iu.test(words)) continue
    if (
      readWithdrawal(reading, clause) ||
      readAsCorrection(reading, clause, isCorrecting) ||
      readTelling(reading, clause) ||
      readCorrection(reading, clause, isCorrecting)
    )
      hasRead = true
    if (hasRead) readReplaced(reading, clause)
  }
  return hasRead ? false : isCorrecting
}

/** "My hobby is chess now, not painting": the one that goes, also where it was told in other words. */
function readReplaced(reading: Reading, clause: Clause): void {
  const told = reading.facts.at(-1)
  const old = /,\s+(?:and )?not (?<old>[^,;]{2,60}?)[.!\s]*$/iu.exec(clause.words)?.groups?.['old']
  if (old === undefined || told?.kind === 'withdrawn' || told?.sentence !== clause.sentence) return
  if (!holdsMany(told) && otherWordsFor(told).length === 0) return
  const has = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase())
  if (!has(told.value, old)) add(reading, clause, told, old, 'withdrawn', 0.8)
}

/** "It's 4072, not 4071" is a correction before it is anything else; a bare value only where nothing else is told. */
function readAsCorrection(reading: Reading, clause: Clause, isCorrecting: boolean): boolean {
  return (
    /^(?:it'?s|that'?s|make|should|i meant?|meant|not)\b/iu.test(clause.words) &&
    readCorrection(reading, clause, isCorrecting)
  )
}

/** "7D, sorry": the remark stands after the value. */
const CORRECTED = /[,\s]+(?:sorry|actually|i mean|i meant|my mistake|my bad|correction|oops|that is)[\s.!]*$/iu

/** What is added to a telling and is no part of its value. */
const ADDED =
  /(?:[,\s]+(?:in case you need it|keep (?:that|it|this) in mind|just saying|haha+|lol|thanks|i think|so there you go|i got it wrong before)|\s*[:;]-?[)D(])+[\s.!]*$/iu

function isHypothetical(words: string): boolean {
  return /^(?:if|suppose|imagine|pretend|assume|assuming|let'?s say|say (?:i|my)|what if|i wish|i'?d love|hypothetically|unless|whether)\b/iu.test(
    words,
  )
}

/** Whom "he" means at the beginning of a message: the one told about last. */
function focusOf(recent: readonly Fact[]): string | undefined {
  return recent.findLast((fact) => fact.subject !== 'user')?.subject
}
