/** Corrections in people's own words: what a message says anew of a fact that was told before. */
import { opened } from './clauses.ts'
import { areAlike } from '../recall/related-words.ts'
import { isCommon, stem } from '../search-words.ts'
import { wordsOf } from '../words.ts'
import type { Fact, Sentence } from './fact.ts'
import { isOfOthers } from './others.ts'
import { isOfItsOwn } from './own-statement.ts'
import { wasOnce } from './past.ts'
import { plainOf } from './plain.ts'
import { isMisspelled, newValueIn } from './revised-value.ts'
import { sentencesOf } from './sentences.ts'
import { isOfNewcomer } from './somebody.ts'
import { isStarred, starredAfter } from './starred.ts'
import type { Span } from './values.ts'
import { holdsMany, topicKey } from './supersede.ts'
import { isBeingWord, OWN_NOUNS, singular, spelled } from './vocabulary.ts'

/** Words with which people say that something is not as it was. */
const CUE =
  /(?:\b(?:not|no|nope|isn'?t|aren'?t|wasn'?t|don'?t|doesn'?t|any ?more|instead|rather|chang(?:e|ed|es|ing)|new|now|nowadays|these days|wrong|mistake|meant|mean|scrap|scratch|turns? out|turned out|actually|updated?|moved?|moving|relocated|renamed?|switch(?:ed)?|swap(?:ped)?|replaced?|traded?|sold|left|quit|gave up|stopped|over|finished|cancel\p{L}*|postponed|pushed|rescheduled|correct(?:ion|ed)?|different|oops|sorry|wait|ignore|from now on|used to|no longer|broke up|fell out|taken|make (?:that|it)|more like|went (?:up|down)|doubled|halved|another|spell(?:ed|ing)|spelt|with (?:one|two|an?) \p{L}\b|goes by|go by|as of|since (?:last|yesterday|today)|told you|had to|on leave)\b|n't\b)/iu
/** It denies nothing. */
const REMINDER = /\b(?:don'?t|do not|never) forget\b/giu
/** Facts told in one conversation that a message without their words may mean. */
const IN_MIND = 4
const MAX_SENTENCES = 6
/** The score of a fact that a message follows, and does not name. */
const FOLLOWS = 1
/** The score of a word of the topic itself, beside that of any word that was told with it. */
const OWN_WORD = 3
/** From here on a message names the old value. */
const OLD_NAMED = 100

/** Whether a message may say something anew. */
export function mayRevise(message: string): boolean {
  return message.length < 600 && (CUE.test(plainOf(message).replaceAll(REMINDER, '')) || isStarred(message))
}

/**
 * The fact that takes the place of one that holds. `read` is what the rules have taken from the message itself, `recent` what was
 * told before in this conversation, the latest last; `holding` all that holds. Empty where the message is about something else.
 */
export function revisionOf(
  message: string,
  read: readonly Fact[],
  recent: readonly Fact[],
  holding: readonly Fact[],
): Fact[] {
  const starred = starredAfter(message, recent)
  if (starred) return starred
  const plain = plainOf(message)
  const words = wordsOf(plain).map(spelled)
  const stems = words.map(stem)
  const ranked = holding
    .map((fact, at) => ({ fact, at, score: closeness(fact, plain, { words, stems, recent }) }))
    .filter(({ score }) => score > 0)
    .toSorted((a, b) => b.score - a.score || b.at - a.at)
  for (const { fact, score } of ranked.slice(0, IN_MIND)) {
    const told = read.find((one) => topicKey(one) === topicKey(fact))
    if (told) {
      if (holdsMany(fact) && takesBack(plain, fact.value, told.value)) return [{ ...fact, kind: 'withdrawn' }]
      continue
    }
    const found = valueIn(message, plain, fact)
    if (!found || (!(score >= OLD_NAMED && leaves(plain, fact.value)) && isOfOther(found, fact, read))) continue
    if (
      isOfItsOwn(
        found.sentence.text,
        found.value,
        `${fact.sentence.text} ${fact.subject} ${fact.attribute}`,
        fact.value,
      )
    )
      continue
    if (score === FOLLOWS && !(isPlainValue(found.value) && saysNothingElse(words, found.value))) continue
    if (!/\d/u.test(fact.value) && isWholeSentence(found, score < OLD_NAMED ? 3 : 4)) continue
    const { value, sentence } = found
    if (wasOnce(value, sentence.text)) continue
    const next: Fact = { ...fact, value, sentence, confidence: 0.7, kind: holdsMany(fact) ? 'told' : 'corrected' }
    return holdsMany(fact) ? [{ ...next, value: fact.value, kind: 'withdrawn' }, next] : [next]
  }
  return []
}

/** Of several values that can hold at once one goes: "gave up the trumpet", or the same name in another spelling. */
function takesBack(plain: string, old: string, value: string): boolean {
  if (isMisspelled(old, value) && /\b(?:spell|spelt|with|typo|correction|meant|not)/iu.test(plain)) return true
  const at = plain.toLowerCase().indexOf(old.toLowerCase())
  return at > 0 && STOPPED.test(plain.slice(Math.max(0, at - 40), at))
}

/** Whether a message says that a value, or a word of it, is not so any more. */
function leaves(plain: string, old: string): boolean {
  const text = plain.toLowerCase()
  return wordsOf(old).some((word) => {
    const at = text.indexOf(word)
    if (at < 0 || isCommon(word)) return false
    const after = text.slice(at + word.length, at + word.length + 40)
    return (
      STOPPED.test(text.slice(Math.max(0, at - 40), at)) ||
      /^[^,;.!?]*\b(?:any ?more|no longer|over|gone)\b/u.test(after)
    )
  })
}

const STOPPED =
  /\b(?:gave up|given up|quit|stopped|no longer|any ?more|over|left|sold|traded|swapped|instead of|rather than|from|was|were|done with|tired of|sick of|finished|not|don'?t|doesn'?t)\b[^,;.!?]*$/iu

/** "A golden wind blew over the river" is no value of what was told of a river. */
function isWholeSentence({ value, sentence }: { value: string; sentence: Sentence }, least: number): boolean {
  const said = sentence.text.trim().replace(/^(?:an?|the|so|well|hmm|anyway|honestly|yesterday|today),?\s+/iu, '')
  return value.split(/\s+/u).length >= least && said.length - value.length <= 2
}

/** A number or a name; "it's late" corrects nothing. */
function isPlainValue(value: string): boolean {
  return /\d|^\p{Lu}/u.test(value)
}

/** What only follows a fact, without a word of it, has to be a correction and nothing else: "no wait, 4a". */
function saysNothingElse(words: readonly string[], value: string): boolean {
  const own = new Set(wordsOf(value))
  return words.every((word) => own.has(word) || isCommon(word) || CUE.test(word) || TALK.has(word))
}

const TALK: ReadonlySet<string> = new Set(
  'got they gave told rang called just sorry yesterday today week new number every each daily'.split(' '),
)

/** How surely a message is about a fact: it names its value or its topic, or follows it; 0 where it names another topic. */
function closeness(
  fact: Fact,
  plain: string,
  {
    words,
    stems,
    recent,
  }: { readonly words: readonly string[]; readonly stems: readonly string[]; readonly recent: readonly Fact[] },
): number {
  const has = (one: string, among: readonly string[] = stems): boolean =>
    among.some((said) => said === one || areAlike(one, said))
  const value = contentStems(fact.value)
  // Of "the book Muou" the name, not the word.
  const names = wordsOf((fact.value.match(/\p{Lu}[\p{L}\p{M}\p{N}'’-]*/gu) ?? []).join(' '))
  const named = (names.length > 0 ? names : wordsOf(fact.value)).filter((one) => one.length > 1 && !isCommon(one))
  const namesValue = /\d/u.test(fact.value)
    ? standsAlone(plain, fact.value)
    : words.some((word) => named.some((one) => singular(word) === singular(one)) || isMisspelled(fact.value, word))
  const topic = topicStems(fact, value)
  const all = topic.filter((one) => has(one))
  // Of somebody's things more has to be named than who it is: "the new neighbors are loud".
  const whose = fact.subject === 'user' ? [] : contentStems(fact.subject)
  const about = all.every((one) => whose.includes(one)) ? 0 : all.length
  const isRecent = recent.some((one) => one.value === fact.value && topicKey(one) === topicKey(fact))
  if (
    words.some((word, at) => /^(?:my|our)$/u.test(words[at - 1] ?? '') && isBeingWord(word) && !has(stem(word), topic))
  )
    return 0
  const isElse =
    namesOther(words, topic) || namesNew(words, topic) || movesOther(plain, topic) || isOfNewcomer(words, topic)
  if (!namesValue && isElse) return 0
  if (!namesValue && about === 0 && !isRecent) return 0
  // Of two facts of one sentence the one that it names: "the plate changed", of a car and its plate.
  const own = about === 0 ? 0 : contentStems(fact.attribute).filter((one) => has(one)).length
  return (namesValue ? OLD_NAMED : 0) + 2 * about + OWN_WORD * own + (isRecent ? FOLLOWS : 0)
}

/** "85" is not named by "85-SX-66", nor "January 23" by another day of January. */
function standsAlone(plain: string, value: string): boolean {
  const said = ` ${plain.toLowerCase().replaceAll(/[^\p{L}\p{N}@./:-]+/gu, ' ')} `.replaceAll(/[.:/-]+ /gu, ' ')
  const old = value
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}@./:-]+/gu, ' ')
    .trim()
  return said.includes(` ${old} `)
}

function topicStems(fact: Fact, value: readonly string[]): string[] {
  const about = `${fact.attribute} ${fact.subject === 'user' ? '' : fact.subject}`
  const all = [...contentStems(about), ...contentStems(fact.sentence.text)]
  return [...new Set(all)].filter((one) => !value.includes(one))
}

/** Whether a message is about somebody or something that the fact is not about: "my sister's new car", where her town is known. */
function namesOther(words: readonly string[], topic: readonly string[]): boolean {
  return words.some((word) => {
    const one = stem(word)
    const isNoun = OWN_NOUNS.has(word) || OWN_NOUNS.has(singular(word)) || isBeingWord(word)
    return isNoun && !GENERAL.has(word) && !topic.some((other) => other === one || areAlike(one, other))
  })
}

/** "A new car", where nothing of a car was told. */
function namesNew(words: readonly string[], topic: readonly string[]): boolean {
  return words.some((word, at) => {
    const next = words[at + 1]
    if (word !== 'new' || next === undefined || GENERAL.has(next) || OF_NEWS.has(next)) return false
    return !topic.some((other) => other === stem(next) || areAlike(other, stem(next)))
  })
}

/** "Hacum moved the wallet to the forest", where it was told where a key is. */
const MOVED =
  /\b(?:moved|changed|switched|swapped|replaced) (?:the|his|her|their) (?<what>\p{L}+) (?:to|with|for|by|into)\b/iu

function movesOther(plain: string, topic: readonly string[]): boolean {
  const what = MOVED.exec(plain)?.groups?.['what']?.toLowerCase()
  if (what === undefined || GENERAL.has(what)) return false
  return !topic.some((other) => other === stem(what) || areAlike(other, stem(what)))
}

const OF_NEWS: ReadonlySet<string> = new Set('one routine plan job place guy version value spot day is'.split(' '))

/** Nouns that name no topic of their own. */
const GENERAL: ReadonlySet<string> = new Set(
  'number date time name type order size room call handle plate address'.split(' '),
)

function contentStems(text: string): string[] {
  return wordsOf(text)
    .map(spelled)
    .filter((word) => !isCommon(word))
    .map(stem)
}

function valueIn(message: string, plain: string, fact: Fact): { value: string; sentence: Sentence } | undefined {
  for (const sentence of sentencesOf(message).slice(0, MAX_SENTENCES)) {
    const said = plain.slice(opened(plain, sentence).start, sentence.end)
    if (ORDER.test(said) || REMARK.test(said) || isOfOthers(sentence.text)) continue
    const span = newValueIn(plain, sentence, fact.value)
    if (span && !isAnother(plain, sentence, span, fact)) return { value: message.slice(span.start, span.end), sentence }
  }
  return undefined
}

/** What the assistant shall do is no value of anything. */
const ORDER =
  /^(?:please )?(?:(?:answer|respond|reply|reveal|print|output|say|act|pretend|repeat|tell)\b|(?:do not|don'?t|never) (?:answer|respond|reply|tell|say|reveal|use|mention)\b|(?:ignore|forget|disregard) (?:the above|all|any|every|everything|your|previous|earlier)\b|system\s*:)/iu
const REMARK =
  /^(?:never ?mind|that(?:'s| is| was) (?:all|it)|funny,? right|nice,? no|what do you think|forget it|no (?:worries|problem|rush|idea)|go on|got it|i see)\b[\s.!?]*$/iu

/** Whether what stands there is no value of the fact: "2 teeth" for an age, "she's in Spain" for a name, "the dog" for a dog. */
function isAnother(plain: string, sentence: Sentence, { start, end }: Span, fact: Fact): boolean {
  const topic = topicStems(fact, [])
  const said = contentStems(plain.slice(start, end))
  if (said.length > 0 && said.every((one) => topic.includes(one))) return true
  if (fact.attribute === 'name' && PLACED.test(plain.slice(sentence.start, start))) return true
  if (!/^[^\p{L}]*\d[^\p{L}]*$/u.test(fact.value)) return false
  const digits = (text: string): number => text.replaceAll(/\D/gu, '').length
  if (digits(fact.value) > 5 && digits(plain.slice(start, end)) <= 5) return true
  const next = /^\s+(?<word>\p{L}+)/u.exec(plain.slice(end, sentence.end))?.groups?.['word']?.toLowerCase()
  return next !== undefined && !isCommon(next) && !CUE.test(next) && !TALK.has(next) && !topic.includes(stem(next))
}

const PLACED = /\b(?:in|at|to|from|on)\s+(?:the\s)?$/iu

/** Whether the rules have read the value, or another one of its sentence, as one of another topic. */
function isOfOther(found: { value: string; sentence: Sentence }, fact: Fact, read: readonly Fact[]): boolean {
  return read.some(
    ({ kind, value, sentence, ...topic }) =>
      kind !== 'withdrawn' &&
      topicKey(topic) !== topicKey(fact) &&
      (value.includes(found.value) || sentence.start === found.sentence.start),
  )
}

/** A number or a time of a statement that no rule has read. */
const VALUE = /(?<![\p{L}\p{N}])(?=[^\s,;]*\d)[^\s,;!?"]*[^\s,;!?."]/gu
const MAX_TOPIC_WORDS = 4

/** A statement as a fact: its one number, date or time, on the topic of its other words; undefined where it has no such value. */
export function statedFact(sentence: Sentence): Fact | undefined {
  const values = sentence.text.match(VALUE) ?? []
  const [value] = values
  if (value === undefined || values.length > 1) return undefined
  const own = wordsOf(value)
  const topic = wordsOf(sentence.text).filter((word) => !isCommon(word) && !own.includes(word))
  const attribute = topic.slice(0, MAX_TOPIC_WORDS).join(' ')
  return attribute === '' ? undefined : { subject: 'user', attribute, value, kind: 'told', sentence, confidence: 0.5 }
}
