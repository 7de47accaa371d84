/** Which of the memories that a search has found a reply reads to answer a question. */
import type { Deps } from '../deps.ts'
import type { Memory, MemoryHit } from '../store/memory-calls.ts'
import type { Contexts } from './contexts.ts'
import type { WithoutDenied } from './denied.ts'
import type { Topic } from './facts/fact.ts'
import { isOfItsOwn } from './facts/own-statement.ts'
import { sameTopic } from './facts/topic.ts'
import { toldAround, type Whose } from './neighbours.ts'
import { LEAST_SURE } from './recall/answers.ts'
import { readAnswers, type ReadOf, type ReadPairs, type Reads } from './reader.ts'
import { followAnswer } from './recall/follow.ts'
import { isOfElse } from './recall/of-else.ts'
import type { Question } from './recall/question.ts'
import { replaces } from './recall/replaces.ts'
import { JUST_THAT, SURELY, surelyAnswers, withTopic } from './recall/surely.ts'
import { comparing } from './similarity.ts'

/** How surely a later memory has to take an answer's place, so that the answer is not read; and how much less surely the later one may answer. */
const [REPLACED, AS_SURE] = [0.93, 0.1]
/** Answers that are compared with each other, the surest: each pair of them is read. */
const MOST_COMPARED = 6
/** Memories that are read at once for a question, and at most. */
const [AT_ONCE, MOST_READ] = [12, 24]

export interface AskedBy {
  readonly owner: string
  readonly use: Whose
  readonly message: string
  readonly question: Question
  /** The least similarity of those that were compared: what was not found by it is no nearer. */
  readonly leastSimilar: number | null
  /** What rules have read in the question. */
  readonly asked: readonly Topic[]
  readonly contexts: Contexts
  /** What a reader reads before each of these, by their ids. */
  readonly before: (hits: readonly MemoryHit[]) => Promise<ReadonlyMap<string, string>>
  readonly reads: Reads
  readonly read: ReadPairs
}

interface Sure {
  readonly hit: MemoryHit
  readonly sure: number
}

export interface Answering {
  /** The memories that answer, the surest first, and before them what was told since in the place of the first. */
  readonly hits: readonly MemoryHit[]
  /** How surely the best one answers, also where it is not read. */
  readonly surest: number
}

/**
 * Reads those that words and meaning say answer the surest, and more as long as they are surer than what was read has turned
 * out to be. `holding`: those of the user that nothing later denies. What is not read then is no answer, but where nothing is: a fact
 * about just what is asked answers whatever a reader says of it.
 */
export async function readSurest(
  by: AskedBy,
  hits: readonly MemoryHit[],
  holding: readonly MemoryHit[],
): Promise<Reads> {
  if (areKnown(by, holding)) return new Map()
  const unread = surestFirst(by, hits)
  const reads = new Map<string, number>()
  // The first are read however unsure they are: words and meaning alone do not know that a vet is an animal doctor.
  let surest = -1
  for (let at = 0; at < MOST_READ && (unread[at]?.sure ?? -1) > surest; at += AT_ONCE) {
    const some = unread.slice(at, at + AT_ONCE).map(({ hit }) => hit)
    for (const [id, odds] of await readAnswers(by.read, by.message, some, await by.before(some))) reads.set(id, odds)
    surest = Math.max(surest, ...some.map((hit) => surelyOf({ ...by, reads }, hit)))
  }
  return reads
}

/** Whether a fact is on just the topic, of each that is asked for. */
const areKnown = ({ asked }: AskedBy, hits: readonly MemoryHit[]): boolean =>
  asked.length > 0 &&
  asked.every((topic) => hits.some(({ memory: { fact } }) => fact !== null && sameTopic(topic, fact) >= JUST_THAT))

function surestFirst(by: AskedBy, hits: readonly MemoryHit[]): Sure[] {
  return hits.map((hit): Sure => ({ hit, sure: surelyOf(by, hit) })).toSorted((a, b) => b.sure - a.sure)
}

/** Chooses what a reply reads of the memories that were found; `least`: how surely one has to answer. */
export async function answering(
  deps: Pick<Deps, 'store' | 'embedders' | 'log'>,
  by: AskedBy,
  { fresh: hits, denied }: WithoutDenied,
  least: number,
  signal: AbortSignal,
): Promise<Answering> {
  // "B negative, not o negative" answers what "blood group o negative" did.
  const replacedBy = (hit: MemoryHit): MemoryHit[] =>
    denied.flatMap((one) => (one.by === hit && one.isReplaced ? [one.hit] : []))
  const sureOf = (hit: MemoryHit): number => Math.max(...[hit, ...replacedBy(hit)].map((one) => surelyOf(by, one)))
  const weighed = by.reads.size === 0 ? hits : hits.filter(({ memory }) => by.reads.has(memory.id))
  const all = weighed.map((hit): Sure => ({ hit, sure: sureOf(hit) })).toSorted((a, b) => b.sure - a.sure)
  const enough = areKnown(by, hits) ? SURELY : least
  const sure = all.filter((one) => one.sure >= enough).slice(0, MOST_COMPARED)
  const [best] = sure
  if (!best) return { hits: [], surest: all[0]?.sure ?? 0 }
  const { owner, use, message, question } = by
  const surroundings = {
    around: toldAround(deps.store, owner, use),
    compare: comparing(deps, owner, signal),
    read: by.read,
  }
  const followed = await followAnswer(message, question, best.hit.memory, surroundings)
  const { holding, also } = followed ?? { holding: null, also: null }
  const found = (memory: Memory): MemoryHit =>
    hits.find((hit) => hit.memory.id === memory.id) ?? hitOf(memory, best.hit)
  const since = [holding, also].flatMap((memory) => (memory ? [found(memory)] : []))
  // "Make that seven" says nothing without what it was said of; and just what is asked is not over for something like it.
  const isOver =
    holding !== null &&
    holding.id !== best.hit.memory.id &&
    !by.contexts.has(holding.id) &&
    surelyOf(by, since[0]!) >= (best.sure === SURELY ? SURELY : LEAST_SURE)
  const held = sure.slice(isOver ? 1 : 0).map((one) => ({ ...one, later: laterThan(by, one, sure) }))
  const read = await by.read(
    held.flatMap(({ hit, later }) => later.map(({ text }) => ({ first: hit.memory.text, second: text }))),
  )
  const left = held.filter(({ hit, later }) => !later.some((next) => hasReplaced(question, hit.memory, next, read)))
  return { hits: [...since, ...left.map(({ hit }) => hit)], surest: best.sure }
}

/** What was told in the place of an answer was not searched for. */
const hitOf = (memory: Memory, { score, topic }: MemoryHit): MemoryHit => ({
  memory,
  score,
  topic,
  words: null,
  similarity: null,
})

/** From 0 to 1. */
function surelyOf(
  { question, asked, contexts, reads, leastSimilar }: AskedBy,
  { memory: { id, text, fact }, similarity }: MemoryHit,
): number {
  const context = contexts.get(id) ?? null
  const read = reads.get(id) ?? null
  const compared = similarity ?? (read === null ? null : leastSimilar)
  const about = fact && { ...fact, text }
  const told = { text: withTopic(text, fact), fact: about, similarity: compared, context, read }
  return surelyAnswers(question, asked, told)
}

/** Those that answer about as surely, were told later and may have taken its place. */
function laterThan({ question, contexts }: AskedBy, { hit: { memory }, sure }: Sure, all: readonly Sure[]): Memory[] {
  const asked = [...question.words.keys()].join(' ')
  return all.flatMap(({ hit: { memory: next }, sure: nextSure }) => {
    if (next.created <= memory.created || next.text === memory.text || nextSure < sure - AS_SURE) return []
    // What leans on it says nothing without it.
    if (contexts.has(next.id)) return []
    return isOfElse(question, memory, next) || isOfItsOwn(next.text, '', memory.text, asked) ? [] : [next]
  })
}

function hasReplaced(question: Question, { text }: Memory, next: Memory, read: ReadOf): boolean {
  const odds = read(text, next.text)?.replaces ?? null
  return (
    replaces(question, text, { text: next.text, before: '', isNext: false, similarity: null, read: odds }) >= REPLACED
  )
}
