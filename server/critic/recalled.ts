/** What the user's own sentences answer to a question of theirs, in place of a reply that does not rest on them. */
import type { Topic } from '../memory/facts/fact.ts'
import { mayRevise } from '../memory/facts/revisions.ts'
import { topicKey } from '../memory/facts/supersede.ts'
import { sameTopic } from '../memory/facts/topic.ts'
import { LEAST_SURE } from '../memory/recall/answers.ts'
import { readQuestion, type Question } from '../memory/recall/question.ts'
import { JUST_THAT } from '../memory/recall/surely.ts'
import { rarityOf } from '../memory/recall/word-vectors.ts'
import { isCommon, stem } from '../memory/search-words.ts'
import { wordsOf } from '../memory/words.ts'
import { bestOf, candidatesFor, MOST_GONE, type Answer, type Remembered } from './candidates.ts'
import { fold } from './compare-values.ts'
import { inSecondPerson } from './person.ts'
import type { Decision } from './policy.ts'
import { withoutStale } from './shown-sentence.ts'
import type { KnownFact, SentenceVerdict } from './verdict.ts'

/** From here on a sentence is served as the answer. Of people's questions that nothing answers 6 % reach it (`npx tsx tests/bench/recall-trees.ts`, on lines that the trees had not seen). */
const SURE = 0.9
/** A model that knows nothing but what was told says no more new words beside a value: a phone extension of a landlord's is none. */
const MOST_NEW = 1
/** Words that name what is asked about are rarer than this. */
const [RARE, RAREST] = [0.5, 0.75]

/** A question of the user, and what they told that answers it, the latest last. */
export interface Recollection {
  readonly question: Question
  readonly answers: readonly Answer[]
  /** It is not sure that they answer it. */
  readonly isNear: boolean
}

/**
 * Null: the message asks nothing that its user could have told. For who knows nothing but that (`knowsOnlyTold`) a sentence may also
 * answer what others would look up or think of.
 */
export function recollect(question: string, remembered: Remembered, knowsOnlyTold: boolean): Recollection | null {
  const isAsked = remembered.asked.length > 0
  const own = readQuestion(question, isAsked)
  const read = own ?? (knowsOnlyTold ? readQuestion(question, isAsked, true) : null)
  if (!read) return null
  const candidates = candidatesFor(read, remembered)
  const answers = bestOf(candidates)
  const least = sureAmong(remembered.facts.length)
  const isNear = !answers.some((one) => one.sure >= least) || isOneOfSeveral(remembered.asked, answers)
  return own === null && isNear ? null : { question: read, answers, isNear }
}

/** For who knows nothing but what was told, a sentence that may answer a question of anything is worth showing from here on. */
const SHOWN = 0.4

/** Facts among which the odds that are asked for are twice those among few. */
const MANY = 100

/** How sure an answer has to be: the more was told, the likelier is something that only looks like one. */
function sureAmong(facts: number): number {
  const odds = (SURE / (1 - SURE)) * (1 + facts / MANY)
  return odds / (1 + odds)
}

/** "The wifi password", where those of the cabin and of the office were told: which one is asked for, nobody knows. */
function isOneOfSeveral(asked: readonly Topic[], answers: readonly Answer[]): boolean {
  const [topic, ...others] = asked
  const facts = answers.flatMap(({ fact }) => fact ?? [])
  if (!topic || others.length > 0 || facts.length < answers.length) return false
  const areOfUser = [topic, ...facts].every(({ subject }) => subject === 'user')
  const areOthers = facts.every((fact) => sameTopic(topic, fact) < JUST_THAT)
  return areOfUser && areOthers && new Set(facts.map(topicKey)).size > 1
}

/** `mayMiss`: nobody can say that something was not told. `knowsOnlyTold`: the reply rests on what was told, or on nothing. */
export function recalled(
  message: string,
  { question: read, answers: found, isNear }: Recollection,
  reply: string,
  verdicts: readonly SentenceVerdict[],
  remembered: Remembered,
  { mayMiss, knowsOnlyTold }: { readonly mayMiss: boolean; readonly knowsOnlyTold: boolean },
): Decision | null {
  const mayDeny = (read.isOwn || isOfTold(read, remembered)) && !mayMiss
  // What is only near is an answer where nobody can say that there is none; "the capital of Slovenia" may be of the world.
  const least = knowsOnlyTold ? SHOWN : LEAST_SURE
  const best = isNear && !(mayDeny && read.isOwn) ? found.filter(({ sure }) => sure >= least) : found
  const isAnswer = !isNear || !isOfAnotherTopic(remembered.asked, verdicts)
  if (best.length > 0 && isAnswer && rests(best, message, reply, verdicts, knowsOnlyTold)) return { action: 'keep' }
  const near = mayMiss ? NEAREST_KNOWN : NEAREST_SAID
  if (best.length > 0) return quote(best, remembered.facts, isNear ? near : SAID)
  if (!mayDeny) return null
  const isOfAsked = !knowsOnlyTold || !isOfElse([], message, reply, 0)
  const denies = isOfAsked && verdicts.some(({ verdict, facts }) => verdict === 'supported' && facts.length === 0)
  return denies ? { action: 'keep' } : { action: 'replace', text: notTold(message, remembered.asked), facts: [] }
}

/** "Which room is the meeting in?", where a meeting was told of: it asks of the user's meeting. */
function isOfTold({ isDefinite, words, names }: Question, { found, facts, heard, replaced = [] }: Remembered): boolean {
  const gone = [...facts.filter(({ holds }) => !holds), ...replaced].slice(-MOST_GONE)
  const texts = [...found.map(({ memory }) => memory), ...heard, ...gone].map(({ text }) => text)
  const told = new Set(texts.flatMap(wordsOf).map(stem))
  return [...words.keys()].some(
    (word) => told.has(stem(word)) && rarityOf(word) > (isDefinite || names.has(word) ? RARE : RAREST),
  )
}

/** "Your dog's name is Pesto" says nothing of its breed, though it was told. */
function isOfAnotherTopic(asked: readonly Topic[], verdicts: readonly SentenceVerdict[]): boolean {
  const said = verdicts.flatMap(({ topic }) => topic ?? [])
  return said.length > 0 && asked.length > 0 && said.every((topic) => asked.every((one) => sameTopic(one, topic) === 0))
}

/** True where the reply says what was told: by its verdicts, or since it has the value. */
function rests(
  answers: readonly Answer[],
  message: string,
  reply: string,
  verdicts: readonly SentenceVerdict[],
  knowsOnlyTold: boolean,
): boolean {
  if (verdicts.some(({ verdict }) => verdict === 'contradicted')) return false
  // "Your grandmother's name is Silva & Sons", for whom she works: the value was told of something else.
  const moved = verdicts.flatMap(({ invented, topic }) => (invented && topic ? [topic] : []))
  if (answers.some(({ fact }) => fact && moved.some((topic) => sameTopic(topic, fact) === 0))) return false
  if (isOfElse(answers, message, reply, knowsOnlyTold ? MOST_NEW : Infinity)) return false
  return answers.every(({ id, fact }) => {
    const isSupported = verdicts.some(({ verdict, facts }) => verdict === 'supported' && facts.includes(id))
    // "5550142" for "555-0142" is not how the user wrote it.
    return fact === null ? isSupported : hasWords(reply, fact.value)
  })
}

/** Whether a text has a value in whole words: "Mr Petrovri" is not Mr Petrov. */
function hasWords(text: string, value: string): boolean {
  const isEdge = (letter: string): boolean => !/[\p{L}\p{N}]/u.test(letter)
  const [first, ...others] = ` ${fold(text)} `.split(fold(value))
  let before = first!
  return others.some((after) => {
    const isWhole = isEdge(before.at(-1) ?? ' ') && isEdge(after[0] ?? ' ')
    before = after
    return isWhole
  })
}

/** "Your cat's favorite food is green", of a bag: it says nothing of what is asked, nor of what was told; or `mostNew` words that neither has. */
function isOfElse(answers: readonly Answer[], message: string, reply: string, mostNew: number): boolean {
  const values = new Set(answers.flatMap(({ fact }) => wordsOf(fact?.value ?? '')))
  const own = wordsOf(reply).filter((word) => !isCommon(word) && !values.has(word))
  const known = new Set([message, ...answers.map(({ text }) => text)].flatMap(wordsOf).map(stem))
  const fresh = own.filter((word) => !known.has(stem(word)))
  return fresh.length > mostNew || (own.length > 1 && fresh.length === own.length)
}

const SAID = 'You told me:'
const NEAREST_SAID = 'You have not told me that in so many words. What comes nearest:'
/** The same where what was told is not all known, so that nobody can say what was not. */
const NEAREST_KNOWN = 'I do not know all that you told me. What comes nearest:'

/** A sentence of the user that answers as surely as `sure` says; null: nobody has said how surely. */
export const quotedAs = (text: string, sure: number | null): string =>
  `${sure !== null && sure >= SURE ? SAID : NEAREST_SAID} "${text}"`

/** The one sentence that a reply has quoted by itself; null: it quotes none, or several. */
export function quotedBy(reply: string): string | null {
  const lead = [SAID, NEAREST_SAID, NEAREST_KNOWN].find((one) => reply.startsWith(`${one} "`))
  const text = lead === undefined ? '' : reply.slice(lead.length + 2)
  return text.endsWith('"') && !text.slice(0, -1).includes('" "') ? text.slice(0, -1) : null
}

function quote(answers: readonly Answer[], facts: readonly KnownFact[], lead: string): Decision {
  const shown = answers.map(({ id, text, fact }) => {
    const tellsMore = facts.some((one) => one.holds && one.id !== id && one.text === text)
    const stale = facts.filter((one) => !one.holds && (fact === null || topicKey(one) === topicKey(fact)))
    return `"${withoutStale(
      text,
      fact?.value ?? null,
      stale.map(({ value }) => value),
      fact !== null &&
        !tellsMore &&
        mayRevise(text) &&
        !wordsOf(fact.attribute).some((word) => wordsOf(text).includes(word)),
    )}"`
  })
  return { action: 'replace', text: `${lead} ${shown.join(' ')}`, facts: answers.map(({ id }) => id) }
}

const NAMED = /^(?:name|age|home|job|employer|birthday|origin|address|phone number|email|likes|dislikes|allergy)$/u

/** Names what is missing where the question does: "my wifi password", or a topic that has a name. */
function notTold(question: string, [topic, ...others]: readonly Topic[]): string {
  const name = topic && (topic.subject === 'user' ? topic.attribute : topic.subject)
  const isSaid =
    name !== undefined && new RegExp(`\\b(?:my|our) (?:\\p{L}+ )?${name.split(/\W/u)[0]}`, 'iu').test(question)
  const isPlain = topic && others.length === 0 && (isSaid || NAMED.test(topic.attribute))
  return isPlain ? `You have not told me ${inSecondPerson(topic)}.` : 'You have not told me that.'
}
