/** What the user's own sentences answer to a question of theirs, in place of a reply that does not rest on them. */
import type { Topic } from '../memory/facts/fact.ts'
import { mayRevise } from '../memory/facts/revisions.ts'
import { topicKey } from '../memory/facts/supersede.ts'
import { sameTopic } from '../memory/facts/topic.ts'
import { answers, LEAST_SURE } from '../memory/recall/answers.ts'
import { takesItsPlace, withoutDenied } from '../memory/recall/follows.ts'
import { readQuestion, type Question } from '../memory/recall/question.ts'
import { rarityOf } from '../memory/recall/word-vectors.ts'
import { stem } from '../memory/search-words.ts'
import { wordsOf } from '../memory/words.ts'
import type { Memory, MemoryHit } from '../store/memory-calls.ts'
import { SAME_TOPIC } from './claims.ts'
import { fold } from './compare-values.ts'
import { inSecondPerson } from './person.ts'
import type { Decision } from './policy.ts'
import { withoutStale } from './shown-sentence.ts'
import type { KnownFact, Note, SentenceVerdict } from './verdict.ts'

/** A fact about just what is asked answers in any words. */
const JUST_THAT = 0.95
/** Of sentences that answer about as well, the one that was said last holds. */
const ABOUT_AS_WELL = 0.1
/** How much meaning adds to words: it decides between sentences that have the same. */
const OF_MEANING = 0.2
const MOST_QUOTED = 4
/** Words that name what is asked about are rarer than this. */
const [RARE, RAREST] = [0.5, 0.75]

export interface Remembered {
  readonly asked: readonly Topic[]
  /** What the search found. */
  readonly found: readonly MemoryHit[]
  /** In the order in which they were told. */
  readonly facts: readonly KnownFact[]
  /** Statements of this conversation. */
  readonly heard: readonly Note[]
}

interface Answer {
  readonly id: string
  readonly text: string
  readonly fact: KnownFact | null
  readonly score: number
  /** What was said later is greater. */
  readonly order: number
}

/** A question of the user, and what they told that answers it, the latest last. */
export interface Recollection {
  readonly question: Question
  readonly answers: readonly Answer[]
}

/** Null: the message asks nothing that its user could have told. */
export function recollect(question: string, remembered: Remembered): Recollection | null {
  const read = readQuestion(question, remembered.asked.length > 0)
  return read && { question: read, answers: answersTo(read, remembered) }
}

/** The same where what was told right after an answer takes its place: `after` gives that, in order. */
export async function withLater(
  { question, answers: told }: Recollection,
  after: (id: string) => Promise<readonly Memory[]>,
): Promise<Recollection> {
  const last = told.at(-1)
  let said = last?.text
  if (!last || said === undefined) return { question, answers: told }
  let answer: Answer = last
  for (const { id, text, ended } of await after(last.id)) {
    if (ended !== null) continue
    if (!takesItsPlace(question, said, text)) break
    answer = { ...answer, id, text: withoutDenied(said, text), fact: null }
    said = text
  }
  return { question, answers: answer === last ? told : [answer] }
}

/** `mayMiss`: nobody can say that something was not told. */
export function recalled(
  message: string,
  { question: read, answers: best }: Recollection,
  reply: string,
  verdicts: readonly SentenceVerdict[],
  remembered: Remembered,
  mayMiss: boolean,
): Decision | null {
  if (best.length > 0) return rests(best, reply, verdicts) ? { action: 'keep' } : quote(best, remembered.facts)
  if (!(read.isOwn || isOfTold(read, remembered)) || mayMiss) return null
  const denies = verdicts.some(({ verdict, facts }) => verdict === 'supported' && facts.length === 0)
  return denies ? { action: 'keep' } : { action: 'replace', text: notTold(message, remembered.asked), facts: [] }
}

/** The best answer, and with it all facts on its topic. */
function answersTo(question: Question, { asked, found, facts, heard }: Remembered): Answer[] {
  const surely = (text: string, fact: KnownFact | null): number => {
    const topic = fact === null || asked.length === 0 ? null : topicOf(asked, fact)
    return (topic ?? 0) >= JUST_THAT ? 1 : answers(question, text, topic)
  }
  const ofTopic = facts.flatMap((fact, order): Answer[] => {
    const topic = topicOf(asked, fact)
    const isAnswer = fact.holds && topic >= SAME_TOPIC && surely(fact.text, fact) >= LEAST_SURE
    return isAnswer ? [{ id: fact.id, text: fact.text, fact, score: 1 + topic, order }] : []
  })
  const orderOf = new Map(facts.map(({ id }, order) => [id, order]))
  const gone = new Set(facts.filter((fact) => !fact.holds).map(({ text }) => text))
  const sentences = [
    ...found.map(({ memory, similarity }) => ({ ...memory, similarity })),
    ...heard.map((note) => ({ ...note, similarity: null, created: Infinity })),
  ]
  const ofWords = sentences.flatMap(({ id, text, similarity, created }): Answer[] => {
    const fact = facts.find((one) => one.id === id) ?? null
    const about = fact ? `${text} (${fact.subject === 'user' ? '' : fact.subject} ${fact.attribute})` : text
    const sure = gone.has(text) ? 0 : surely(about, fact)
    if (sure < LEAST_SURE) return []
    return [
      { id, text, fact, score: sure + OF_MEANING * (similarity ?? 0), order: created + (orderOf.get(id) ?? 0) / 1e6 },
    ]
  })
  const all = ofTopic.length > 0 ? ofTopic : [...ofWords, ...successors(facts, (text) => surely(text, null))]
  const most = Math.max(...all.map(({ score }) => score))
  const best = all.filter(({ score }) => score >= most - ABOUT_AS_WELL).toSorted((a, b) => a.order - b.order)
  const last = best.at(-1)
  if (!last) return []
  return ofTopic.length > 0 ? unique(best).slice(-MOST_QUOTED) : [last]
}

/** What holds now where a sentence that answered was corrected, in whatever words. */
function successors(facts: readonly KnownFact[], surely: (text: string) => number): Answer[] {
  const gone = facts.filter((fact) => !fact.holds && surely(fact.text) >= LEAST_SURE)
  return facts.flatMap((fact, order): Answer[] => {
    const before = fact.holds ? gone.filter((one) => topicKey(one) === topicKey(fact) && one.text !== fact.text) : []
    if (before.length === 0) return []
    return [{ id: fact.id, text: fact.text, fact, score: Math.max(...before.map(({ text }) => surely(text))), order }]
  })
}

/** "Which room is the meeting in?", where a meeting was told of: it asks of the user's meeting. */
function isOfTold({ isDefinite, words, names }: Question, { found, heard }: Remembered): boolean {
  const texts = [...found.map(({ memory }) => memory.text), ...heard.map(({ text }) => text)]
  const told = new Set(texts.flatMap(wordsOf).map(stem))
  return [...words.keys()].some(
    (word) => told.has(stem(word)) && rarityOf(word) > (isDefinite || names.has(word) ? RARE : RAREST),
  )
}

const topicOf = (asked: readonly Topic[], fact: Topic): number =>
  Math.max(0, ...asked.map((one) => sameTopic(one, fact)))

/** One sentence may tell several facts. */
function unique(answers: readonly Answer[]): Answer[] {
  return answers.filter(({ text }, at) => answers.findIndex((one) => one.text === text) === at)
}

/** True where the reply says what was told: by its verdicts, or since it has the value. */
function rests(answers: readonly Answer[], reply: string, verdicts: readonly SentenceVerdict[]): boolean {
  if (verdicts.some(({ verdict }) => verdict === 'contradicted')) return false
  return answers.every(({ id, fact }) => {
    const isSupported = verdicts.some(({ verdict, facts }) => verdict === 'supported' && facts.includes(id))
    // "5550142" for "555-0142" is not how the user wrote it.
    return fact === null ? isSupported : fold(reply).includes(fold(fact.value))
  })
}

function quote(answers: readonly Answer[], facts: readonly KnownFact[]): Decision {
  const shown = answers.map(({ text, fact }) => {
    const stale = facts.filter((one) => !one.holds && (fact === null || topicKey(one) === topicKey(fact)))
    return `"${withoutStale(
      text,
      fact?.value ?? null,
      stale.map(({ value }) => value),
      fact !== null && mayRevise(text) && !wordsOf(fact.attribute).some((word) => wordsOf(text).includes(word)),
    )}"`
  })
  return { action: 'replace', text: `You told me: ${shown.join(' ')}`, facts: answers.map(({ id }) => id) }
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
