/** What of all that a user told may answer a question of theirs. */
import type { Topic } from '../memory/facts/fact.ts'
import { topicKey } from '../memory/facts/supersede.ts'
import { LEAST_SURE } from '../memory/recall/answers.ts'
import { holds } from '../memory/recall/holds.ts'
import type { Question } from '../memory/recall/question.ts'
import { stillAnswers } from '../memory/recall/still-answers.ts'
import { surelyAnswers, topicAmong, withTopic } from '../memory/recall/surely.ts'
import type { Contexts } from '../memory/contexts.ts'
import type { Reads } from '../memory/reader.ts'
import type { Replaced } from '../memory/evidence.ts'
import type { Context } from '../memory/recall/leaning.ts'
import type { MemoryHit } from '../store/memory-calls.ts'
import { SAME_TOPIC } from './claims.ts'
import type { KnownFact, Note } from './verdict.ts'

/** From here on a sentence is near an answer. */
const NEAREST = 0.15
/** Of sentences that answer about as well, the one that was said last holds. */
const ABOUT_AS_WELL = 0.1
/** The same of sentences that only come near: which of them is nearest is what counts. */
const ABOUT_AS_NEAR = 0.03
/** Odds of the reader, as a logarithm, below which a sentence is not near an answer. */
const LEAST_READ = -3
/** A fact on just the topic that is asked answers alone: of "I come from Poland" and "my hometown is Gdynia" one names the town. */
const ON_THE_SAME = 0.04
/** How much meaning adds to words: it decides between sentences that have the same. */
const OF_MEANING = 0.2
const MOST_QUOTED = 4
/** Odds of the reader, as a logarithm, up to which a correction is no answer. */
const ANSWERS_NOT = -1

export interface Remembered {
  readonly asked: readonly Topic[]
  /** What the search found. */
  readonly found: readonly MemoryHit[]
  /** What those lean on. */
  readonly contexts: Contexts
  readonly reads: Reads
  /** In the order in which they were told. */
  readonly facts: readonly KnownFact[]
  /** Statements of this conversation. */
  readonly heard: readonly Note[]
  /** Sentences that no rule has read, and what took their place. */
  readonly replaced?: readonly Replaced[]
}

export interface Answer {
  readonly id: string
  readonly text: string
  readonly fact: KnownFact | null
  readonly score: number
  /** How surely it answers, 0 to 1. */
  readonly sure: number
  /** What the reader says of that, as a logarithm of odds; null: it was not read. */
  readonly read: number | null
  /** What was said later is greater. */
  readonly order: number
}

/** What may answer: facts on the topic that is asked for, which come first, and sentences. */
export interface Candidates {
  readonly ofTopic: readonly Answer[]
  readonly ofWords: readonly Answer[]
}

/** Of all that is remembered, with how surely each answers. */
export function candidatesFor(
  question: Question,
  { asked, found, contexts, reads, facts, heard, replaced = [] }: Remembered,
): Candidates {
  const surely = (
    text: string,
    fact: KnownFact | null,
    similarity: number | null = null,
    context: Context | null = null,
    read: number | null = null,
  ): number => surelyAnswers(question, asked, { text, fact, similarity, context, read })
  const ofTopic = facts.flatMap((fact, order): Answer[] => {
    const topic = topicAmong(asked, fact)
    if (!fact.holds || topic < SAME_TOPIC) return []
    return [{ id: fact.id, text: fact.text, fact, score: 1 + topic, sure: surely(fact.text, fact), read: null, order }]
  })
  // Then no sentence is asked.
  if (ofTopic.some(({ sure }) => sure >= LEAST_SURE)) return { ofTopic, ofWords: [] }
  const orderOf = new Map(facts.map(({ id }, order) => [id, order]))
  const held = new Set(facts.filter((fact) => fact.holds).map(({ text }) => text))
  const gone = new Set(facts.filter(({ text, holds }) => !holds && !held.has(text)).map(({ text }) => text))
  // What is not among the nearest is no nearer than they are.
  const compared = found.flatMap(({ similarity }) => similarity ?? [])
  const least = compared.length === 0 ? null : Math.min(...compared)
  // Where a reader has read some, what it has not read is no answer.
  const weighed = reads.size === 0 ? found : found.filter(({ memory }) => reads.has(memory.id))
  const sentences = [
    ...weighed.map(({ memory, similarity }) => ({ ...memory, similarity: similarity ?? least })),
    ...heard.map((note) => ({ ...note, similarity: null, created: Infinity })),
  ]
  const ofWords = sentences.map(({ id, text, similarity, created }): Answer => {
    const fact = facts.find((one) => one.id === id) ?? null
    const sure = gone.has(text) ? 0 : surely(withTopic(text, fact), fact, similarity, contexts.get(id), reads.get(id))
    const score = sure + OF_MEANING * (similarity ?? 0)
    return { id, text, fact, score, sure, read: reads.get(id) ?? null, order: created + (orderOf.get(id) ?? 0) / 1e6 }
  })
  const ofReplaced = replaced.map(({ id, text, by, reads: odds }): Answer => {
    const isStill = odds ? stillAnswers(odds, ANSWERS_NOT) : stillTells(question, text, '', by.text)
    const read = odds ? (isStill ? odds.was : odds.is) : null
    const sure = surely(text, null, null, null, read)
    const now = isStill ? { id, text } : { id: by.id, text: by.text }
    return { ...now, fact: null, score: sure, sure, read, order: by.created }
  })
  const ofFacts = successors(question, facts, (fact) => surely(fact.text, fact))
  return { ofTopic, ofWords: [...ofWords, ...ofReplaced, ...ofFacts] }
}

/** The best answer, and with it all facts on its topic; where nothing surely answers, what is nearest to that. */
export function bestOf(candidates: Candidates): Answer[] {
  const sure = bestAmong(candidates, ({ sure: is }) => is >= LEAST_SURE, ABOUT_AS_WELL)
  if (sure.length > 0) return sure
  // What the reader calls about something else is not near, however many words it has.
  const isNear = ({ sure: is, read }: Answer): boolean => is >= NEAREST && (read === null || read >= LEAST_READ)
  return bestAmong(candidates, isNear, ABOUT_AS_NEAR)
}

/** `margin`: of sentences that are worse by no more than that, the one that was said last is taken. */
function bestAmong(candidates: Candidates, isOne: (answer: Answer) => boolean, margin: number): Answer[] {
  const ofTopic = candidates.ofTopic.filter(isOne)
  const all = ofTopic.length > 0 ? ofTopic : candidates.ofWords.filter(isOne)
  const most = Math.max(...all.map(({ score }) => score))
  const best = all
    .filter(({ score }) => score >= most - (ofTopic.length > 0 ? ON_THE_SAME : margin))
    .toSorted((a, b) => a.order - b.order)
  const last = best.at(-1)
  if (!last) return []
  return ofTopic.length > 0 ? unique(best).slice(-MOST_QUOTED) : [last]
}

/** Corrected facts that are looked at, told last. */
export const MOST_GONE = 64

/**
 * "The supervisor is Sister Jepkosgei, it starts on 3 March" tells who that is also when "it starts on the 10th" was told: what is asked
 * for is of a kind that only the corrected sentence has, beside its value.
 */
function stillTells({ wanted, known }: Question, text: string, value: string, now: string): boolean {
  if (wanted === null) return false
  return holds(wanted, value === '' ? text : text.replace(value, ' '), known) && !holds(wanted, now, known)
}

/** What holds now where a sentence that answered was corrected, in whatever words. */
function successors(question: Question, facts: readonly KnownFact[], surely: (fact: KnownFact) => number): Answer[] {
  const gone = facts
    .filter(({ holds }) => !holds)
    .slice(-MOST_GONE)
    .map((fact) => ({ ...fact, key: topicKey(fact), sure: surely(fact) }))
    .filter(({ sure }) => sure >= NEAREST)
  if (gone.length === 0) return []
  return facts.flatMap((fact, order): Answer[] => {
    const key = topicKey(fact)
    const before = fact.holds ? gone.filter((one) => one.key === key && one.text !== fact.text) : []
    if (before.length === 0) return []
    const old = before.reduce((best, one) => (one.sure > best.sure ? one : best))
    const { sure } = old
    if (!tellsTakenBack(old.text, facts) && stillTells(question, old.text, old.value, fact.text))
      return [{ id: old.id, text: old.text, fact: null, score: sure, sure, read: null, order }]
    return [{ id: fact.id, text: fact.text, fact, score: sure, sure, read: null, order }]
  })
}

/** Whether one of the facts of a sentence was taken back: nothing holds on its topic. */
function tellsTakenBack(text: string, facts: readonly KnownFact[]): boolean {
  const held = new Set(facts.filter(({ holds }) => holds).map(topicKey))
  return facts.some((fact) => !fact.holds && fact.text === text && !held.has(topicKey(fact)))
}

/** One sentence may tell several facts. */
function unique(answers: readonly Answer[]): Answer[] {
  return answers.filter(({ text }, at) => answers.findIndex((one) => one.text === text) === at)
}
