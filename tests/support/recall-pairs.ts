/** Questions of people beside sentences of theirs, as the trees of server/memory/recall are fitted and judged by. */
import { readFileSync } from 'node:fs'
import { openEmbedder } from '../../runtime/embedder.ts'
import { readAs } from '../../server/memory/recall/read-as.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import { askedBy } from '../../server/memory/facts/asked-by.ts'
import type { Fact } from '../../server/memory/facts/fact.ts'
import { toldBy } from '../../server/memory/facts/told-by.ts'
import { sameTopic } from '../../server/memory/facts/topic.ts'
import { tellsNothingElse } from '../../server/memory/recall/likeness.ts'
import { FEATURES, pairFeatures } from '../../server/memory/recall/pair.ts'
import { contextOf, textBefore } from '../../server/memory/recall/leaning.ts'
import { readQuestion } from '../../server/memory/recall/question.ts'
import type { TextPair } from '../../server/memory/reader.ts'
import { peopleLines } from '../../trainer/data/sentences/people.ts'
import { subjectLines } from '../../trainer/data/sentences/subjects.ts'
import { Random } from '../../trainer/random.ts'
import { readPairs } from './bundled-reader.ts'
import { cellCases, elaboratedCases, othersCases, peopleCases, toldCases, type Case } from './newcomer-cases.ts'

export interface Pair {
  readonly text: string
  readonly isAnswer: boolean
  readonly x: readonly number[]
}

/** A question, the sentences that were told before it, and some that others told. */
export interface AskedPairs {
  readonly question: string
  readonly part: string
  readonly isTold: boolean
  readonly own: readonly Pair[]
  readonly others: readonly Pair[]
}

/** Messages of others that each question is compared with. */
const OTHERS = 40
/** Of these so many are kept, the likest. */
const LIKEST = 6
/** Parts whose writers tell of many things: one's sentences answer no other one's question. */
const PEOPLE = new Set(['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'kept'])

interface Asked {
  readonly question: string
  readonly part: string
  readonly messages: readonly string[]
  /** What the answer has; null: nothing answers. */
  readonly value: string | null
  /** Which message answers, where nobody has said what of it does: the sentence of it of which a reader is surest. */
  readonly at?: number
}

/** All questions of these parts. */
export async function askedPairs(parts: readonly string[]): Promise<AskedPairs[]> {
  const asked = [...peopleCases(), ...othersCases(), ...toldCases(), ...elaboratedCases(), ...cellCases()].flatMap(
    askedIn,
  )
  const all = [...asked, ...nearLines(), ...linesAside()].filter(({ part }) => parts.includes(part))
  const random = new Random('pairs')
  const others = all.map(({ part, messages }) => {
    const told = all.filter((one) => one.part === part).flatMap((one) => one.messages)
    const drawn = PEOPLE.has(part) ? Array.from({ length: OTHERS }, () => random.pick(told)) : []
    return drawn.filter((message) => !messages.includes(message))
  })
  const cosine = await cosines(all.flatMap(({ question, messages }) => [question, ...messages.flatMap(sentencesTold)]))
  const compared = all.map(({ question, part, messages, value, at: answers }, at): Compared => {
    const pairs = (message: string, answer: string | null, before: readonly string[] = []) =>
      pairsOf(question, message, answer, cosine, before)
    const own = messages.flatMap((message, place) =>
      pairs(
        message,
        answers === undefined ? value : answers === place ? '' : null,
        messages.slice(0, place).flatMap(sentencesTold).toReversed(),
      ),
    )
    const likest = others[at]!.flatMap((one) => pairs(one, null)).toSorted((x, y) => y.similarity - x.similarity)
    const isTold = value !== null || answers !== undefined
    return { question, part, isTold, own, others: likest.slice(0, LIKEST) }
  })
  const read = await reads(compared)
  return compared.map((one, at) => {
    const own = one.own.map(read(one))
    return {
      ...one,
      own: all[at]!.at === undefined ? own : withoutRest(own),
      others: one.others.map(read(one)),
    }
  })
}

/** Of the sentences of a message that answers, the surest by the reader. */
function withoutRest(own: readonly Pair[]): Pair[] {
  const surest = Math.max(...own.flatMap(({ isAnswer, x }) => (isAnswer ? x[READ]! : [])))
  return own.filter(({ isAnswer, x }) => !isAnswer || x[READ] === surest)
}

const READ = FEATURES.indexOf('read')

/** A sentence beside a question, before a reader has read them. */
interface ComparedPair extends Omit<Pair, 'x'> {
  readonly similarity: number
  readonly second: string
  readonly featuresOf: (read: number) => readonly number[]
}

interface Compared extends Omit<AskedPairs, 'own' | 'others'> {
  readonly own: readonly ComparedPair[]
  readonly others: readonly ComparedPair[]
}

/** What the bundled reader says of each pair, among its features. */
async function reads(all: readonly Compared[]): Promise<(asked: Compared) => (pair: ComparedPair) => Pair> {
  const pairOf = ({ question }: Compared, { second }: ComparedPair): TextPair => ({ first: question, second })
  const read = await readPairs(all.flatMap((one) => [...one.own, ...one.others].map((pair) => pairOf(one, pair))))
  return (asked) => (pair) => {
    const { text, isAnswer, featuresOf } = pair
    return { text, isAnswer, x: featuresOf(read(pairOf(asked, pair)).answers) }
  }
}

function askedIn({ kind, part, tells, asks, value }: Case): Asked[] {
  return kind === 'told' || kind === 'never told' ? [{ question: asks, part, messages: tells.flat(), value }] : []
}

/** Something told, with a question that it answers and near ones that it does not. */
function nearLines(): Asked[] {
  const file = readFileSync(new URL('../fixtures/newcomer/near.jsonl', import.meta.url), 'utf8')
  return file
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const { told, asks, near } = JSON.parse(line) as { told: string; asks: string; near: string[] }
      const of = { part: 'near', messages: [told] }
      return [{ ...of, question: asks, value: told }, ...near.map((question) => ({ ...of, question, value: null }))]
    })
}

/** Lines of the training's writers that are kept aside, so that the reader has not learned them: of one message, and of three. */
function linesAside(): Asked[] {
  const alone = peopleLines('heldout').flatMap(({ told, asks, near }) => [
    ...asks.map((question): Asked => ({ question, part: 'aside', messages: [told], value: null, at: 0 })),
    ...near.map((question): Asked => ({ question, part: 'aside', messages: [told], value: null })),
  ])
  const subjects = subjectLines('heldout').filter((_, at) => at % OF_SUBJECTS === 0)
  const ofThree = subjects.flatMap(({ tells, asks, never }) => [
    ...asks.map(({ q, at }): Asked => ({ question: q, part: 'aside+', messages: tells, value: null, at })),
    ...never.map((question): Asked => ({ question, part: 'aside+', messages: tells, value: null })),
  ])
  return [...alone, ...ofThree]
}

/** One in so many of their subjects: reading them takes time. */
const OF_SUBJECTS = 8

function toldIn(message: string): { readonly text: string; readonly fact: Fact | null }[] {
  const { facts, statements } = toldBy(message)
  const held = facts.filter(({ kind }) => kind !== 'withdrawn').map((fact) => ({ text: fact.sentence.text, fact }))
  return [...held, ...statements.map(({ text }) => ({ text, fact: null }))]
}

const sentencesTold = (message: string): string[] => toldIn(message).map(({ text }) => text)

function pairsOf(
  question: string,
  message: string,
  value: string | null,
  cosine: (one: string, other: string) => number,
  before: readonly string[],
): ComparedPair[] {
  const read = readQuestion(question, true)
  if (!read) return []
  const asked = askedBy(question)
  return toldIn(message).flatMap(({ text, fact }, at, all): ComparedPair[] => {
    const inMessage = all
      .slice(0, at)
      .map((one) => one.text)
      .filter((one) => one !== text)
      .toReversed()
    const context = contextOf(text, [...inMessage, ...before])
    const about = fact ? `${text} (${fact.subject === 'user' ? '' : fact.subject} ${fact.attribute})` : text
    if (tellsNothingElse(read, about)) return []
    const topic = fact && asked.length > 0 ? Math.max(0, ...asked.map((one) => sameTopic(one, fact))) : null
    const similarity = cosine(question, text)
    const featuresOf = (own: number): readonly number[] => {
      const features = pairFeatures(read, { text: about, topic, similarity, context, read: own })
      return FEATURES.map((name) => features[name])
    }
    const isAnswer = value !== null && folded(text).includes(folded(value))
    const second = readAs({ text, fact }, textBefore(inMessage, context))
    return [{ text, isAnswer, similarity, second, featuresOf }]
  })
}

const folded = (text: string): string => text.normalize('NFKC').toLowerCase()

/** Cosines of these texts by the bundled embedder. */
async function cosines(texts: readonly string[]): Promise<(one: string, other: string) => number> {
  const embedder = await openEmbedder(await loadBundle(DEFAULT_EMBEDDER))
  const vectors = new Map<string, Float32Array>()
  const unlike = [...new Set(texts)]
  for (let from = 0; from < unlike.length; from += 64) {
    const batch = unlike.slice(from, from + 64)
    const made = await embedder.embed(batch.map((text) => embedder.encode(text)))
    for (const [at, text] of batch.entries()) vectors.set(text, made[at]!)
  }
  embedder.close()
  return (one, other) => {
    const [a, b] = [vectors.get(one)!, vectors.get(other)!]
    return a.reduce((sum, x, at) => sum + x * b[at]!, 0)
  }
}
