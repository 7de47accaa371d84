/** What is remembered of a turn: facts and statements of its user, by rules. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import type { Memory, ToldMemory } from '../store/memory-calls.ts'
import { nullIfAway, type MemoryUse } from './evidence.ts'
import { correctedAnswer } from './corrected-answer.ts'
import { followUpsOf, type Beside, type FollowUps } from './follow-ups.ts'
import type { Fact, Sentence, Topic } from './facts/fact.ts'
import { mayRevise, revisionOf } from './facts/revisions.ts'
import { definiteFact } from './facts/definite.ts'
import { isOfOthers } from './facts/others.ts'
import { isOfItsOwn } from './facts/own-statement.ts'
import { wasOnce } from './facts/past.ts'
import { latest, topicKey } from './facts/supersede.ts'
import { toldBy } from './facts/told-by.ts'
import { READS_NOTHING } from './reader.ts'
import { withoutTakenBack } from './shared-sentence.ts'
import { knownFact, revisable, statedOn, withdrawable, type KnownFact } from './known-facts.ts'

/** What a turn changes in its user's memories: told in the response, and written with the turn. */
export interface TurnMemories {
  readonly told: readonly ToldMemory[]
  readonly written: readonly Memory[]
  /** What does not hold any more from now on. */
  readonly ended: readonly Memory[]
  /** Nothing is remembered because the server that holds memories cannot be reached. */
  readonly isAway?: boolean
}

const BESIDE_NOTHING: Beside = { quoted: null, read: READS_NOTHING }
/** Of one turn at most: what else is in it is pasted text. */
const MAX_TOLD = 32
/** Facts told before that a correction without a topic of its own may mean. */
const RECENT = 8
/** Of facts on the topics of a turn, so many are read. */
const MAX_HOLDING = 1000

/**
 * What is to be remembered of a message. Nothing is taken from a reply, or from what a reply was shown; what the reply
 * before has quoted may be corrected by it.
 */
export async function memoriesOfTurn(...args: Parameters<typeof readTold>): Promise<TurnMemories> {
  return (await readTold(...args).catch(nullIfAway)) ?? { told: [], written: [], ended: [], isAway: true }
}

async function readTold(
  { store, now }: Pick<Deps, 'store' | 'now'>,
  owner: string,
  { namespace, user }: MemoryUse,
  message: string,
  origin: { readonly response: string; readonly conversation: string },
  beside: Beside = BESIDE_NOTHING,
): Promise<TurnMemories> {
  const created = now()
  const whose = { owner, namespace, user }
  const factsOf = async (topics: readonly Topic[] | null, limit: number): Promise<KnownFact[]> =>
    (await store.factsOf(owner, { namespace, user, topics, ended: false, limit })).toReversed().map(knownFact)
  const memoryOf = ({ text, start, end }: Sentence, fact: Memory['fact']): Memory => {
    const place = { namespace, user, source: { ...origin, start, end } }
    const times = { created, updated: created, expires: null, ended: null }
    return { id: newId('mem'), text, metadata: {}, fact, ...place, ...times }
  }
  const recent = (await factsOf(null, RECENT)).filter(
    ({ memory: { source } }) => source?.conversation === origin.conversation,
  )
  const told = toldBy(message, recent)
  const revises =
    mayRevise(message) && !message.trimEnd().endsWith('?') && told.facts.every(({ kind }) => kind === 'told')
  const { held, stated } = revises ? await revisable(store, whose, message) : { held: [], stated: [] }
  const ownTold = { ...told, statements: told.statements.filter(isOwn) }
  const ofQuoted = beside.quoted && (await correctedAnswer(ownTold, beside.quoted, beside.read))
  const revised = ofQuoted ? [] : revisionOf(message, told.facts, recent, [...stated, ...held])
  const found =
    ofQuoted ?? (revised.length > 0 ? null : await followUpsOf(store, owner, { namespace, user }, ownTold, beside))
  const followed = found && !tellsItsOwn(found) ? found : null
  const read = withoutTwins(
    [...(followed?.read ?? told.facts), ...revised, ...(followed?.facts ?? [])],
    (fact) => `${topicKey(fact)}\n${fact.value}\n${fact.kind}\n${fact.sentence.text}`,
  )
  // "The safe word is ziour" is the user's where a safe word was told before.
  const isRead = new Set(read.map(({ sentence }) => sentence.start))
  const definite = told.statements.flatMap((sentence) =>
    isRead.has(sentence.start) ? [] : (definiteFact(sentence) ?? []),
  )
  const meant = [...read, ...definite]
  stated.push(...(await statedOn(store, whose, meant)))
  const topics = [...meant, ...(await withdrawable(store, whose, read))]
  const toldBefore = meant.length === 0 ? [] : await factsOf(topics, MAX_HOLDING)
  let holding = withoutTwins([...stated, ...toldBefore, ...(followed?.held ?? [])], ({ memory }) => memory.id)
  const known = new Set(holding.map(topicKey))
  const facts = [...read, ...definite.filter((fact) => known.has(topicKey(fact)))]
  const said = withoutTwins(told.statements, ({ text }) => text)
  const kept = { namespace, user, ended: false, texts: said.map(textOf) }
  const heldTexts = said.length === 0 ? [] : await store.keptTexts(owner, kept)
  // What takes back may tell more: "the Zafira died, so I'm driving a Berlingo".
  const isFact = new Set(facts.flatMap(({ kind, sentence }) => (kind === 'withdrawn' ? [] : [sentence.text])))
  const statements = said.filter(({ text }) => !heldTexts.includes(text) && !isFact.has(text))
  const memories: ToldMemory[] = []
  const ended: Memory[] = []
  const takenBack: Memory[] = []
  for (const fact of facts.slice(0, MAX_TOLD)) {
    const { subject, attribute, value, kind, sentence } = fact
    const memory = kind === 'withdrawn' ? null : memoryOf(sentence, { subject, attribute, value })
    const next = latest<Fact & { readonly memory: Memory | null }>([...holding, { ...fact, memory }])
    const gone = holding.filter((one) => !next.includes(one)).map((one) => one.memory)
    memories.push({ namespace, user, ends: gone.map(({ id }) => id), memory })
    if (kind === 'withdrawn') takenBack.push(...gone)
    ended.push(...gone)
    holding = next.filter((one): one is KnownFact => one.memory !== null)
  }
  const factsBefore = takenBack.length === 0 ? [] : (await factsOf(null, MAX_HOLDING)).map((one) => one.memory)
  for (const { memory: old, text } of withoutTakenBack(factsBefore, takenBack, ended)) {
    const memory = { ...old, id: newId('mem'), text, created, updated: created }
    memories.push({ namespace, user, ends: [old.id], memory })
  }
  for (const statement of statements.slice(0, MAX_TOLD - memories.length))
    memories.push({ namespace, user, ends: [], memory: memoryOf(statement, null) })
  const written = memories.flatMap(({ memory }) => memory ?? [])
  return { told: memories, written, ended }
}

/** What a message says twice, once. */
function withoutTwins<T>(all: readonly T[], key: (one: T) => string): T[] {
  return [...new Map(all.map((one) => [key(one), one])).values()]
}

/** Whether what seems to correct is about something else than what it would correct. */
function tellsItsOwn({ facts, held: [old] }: FollowUps): boolean {
  const next = facts.at(-1)
  if (!next || !old) return false
  if (wasOnce(next.value, next.sentence.text)) return true
  return isOfItsOwn(next.sentence.text, next.value, `${old.memory.text} ${old.subject} ${old.attribute}`, old.value)
}

/** "I heard that the turtle has 19:05 as train time" corrects nothing of the user's. */
const isOwn = ({ text }: Sentence): boolean => !isOfOthers(text)

const textOf = ({ text }: Sentence): string => text

/** Counts what was written, once it is. */
export function countTold({ memoryWrites }: Deps['metrics'], { written, ended }: TurnMemories): void {
  memoryWrites.inc({ result: 'told' }, written.length)
  memoryWrites.inc({ result: 'ended' }, ended.length)
}
