/** What is remembered of a turn: facts and statements of its user, by rules. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import type { Memory, ToldMemory } from '../store/memory-calls.ts'
import { nullIfAway, type MemoryUse } from './evidence.ts'
import { followUpsOf } from './follow-ups.ts'
import type { Fact, Sentence } from './facts/fact.ts'
import { mayRevise, revisionOf, statedFact } from './facts/revisions.ts'
import { latest, topicKey } from './facts/supersede.ts'
import { toldBy } from './facts/told-by.ts'

/** What a turn changes in its user's memories: told in the response, and written with the turn. */
export interface TurnMemories {
  readonly told: readonly ToldMemory[]
  readonly written: readonly Memory[]
  /** What does not hold any more from now on. */
  readonly ended: readonly Memory[]
  /** Nothing is remembered because the server that holds memories cannot be reached. */
  readonly isAway?: boolean
}

/** Of one turn at most: what else is in it is pasted text. */
const MAX_TOLD = 32
/** Facts told before that a correction without a topic of its own may mean. */
const RECENT = 8
/** Facts among which a withdrawal looks for what it withdraws. */
const WITHDRAWABLE = 1000

/** A fact with its memory. */
type KnownFact = Fact & { readonly memory: Memory }

/** What is to be remembered of a message. Nothing is taken from a reply, or from what a reply was shown. */
export async function memoriesOfTurn(...args: Parameters<typeof readTold>): Promise<TurnMemories> {
  return (await readTold(...args).catch(nullIfAway)) ?? { told: [], written: [], ended: [], isAway: true }
}

async function readTold(
  { store, now }: Pick<Deps, 'store' | 'now'>,
  owner: string,
  { namespace, user }: MemoryUse,
  message: string,
  origin: { readonly response: string; readonly conversation: string },
): Promise<TurnMemories> {
  const created = now()
  const factsOf = async (topics: readonly Fact[] | null, limit: number): Promise<KnownFact[]> =>
    (await store.factsOf(owner, { namespace, user, topics, ended: false, limit })).toReversed().map(factOf)
  const memoryOf = ({ text, start, end }: Sentence, fact: Memory['fact']): Memory => {
    const place = { namespace, user, source: { ...origin, start, end } }
    const times = { created, updated: created, expires: null, ended: null }
    return { id: newId('mem'), text, metadata: {}, fact, ...place, ...times }
  }
  const recent = (await factsOf(null, RECENT)).filter(
    ({ memory: { source } }) => source?.conversation === origin.conversation,
  )
  const told = toldBy(message, recent)
  const revises = mayRevise(message) && told.facts.every(({ kind }) => kind === 'told')
  const stated = revises ? await statedFacts(store, owner, { namespace, user }, message) : []
  const held = revises ? [...stated, ...(await factsOf(null, WITHDRAWABLE))] : []
  const revised = revisionOf(message, told.facts, recent, held)
  const followed = revised.length > 0 ? null : await followUpsOf(store, owner, { namespace, user }, told)
  const facts = withoutTwins(
    [...(followed?.read ?? told.facts), ...revised, ...(followed?.facts ?? [])],
    (fact) => `${topicKey(fact)}\n${fact.value}\n${fact.kind}\n${fact.sentence.text}`,
  )
  const said = withoutTwins(told.statements, ({ text }) => text)
  const known = said.length === 0 ? [] : await store.heldTexts(owner, { namespace, user, texts: said.map(textOf) })
  const isFact = new Set(facts.map(({ sentence }) => sentence.text))
  const statements = said.filter(({ text }) => !known.includes(text) && !isFact.has(text))
  const withdraws = facts.some(({ kind }) => kind === 'withdrawn')
  let holding = facts.length === 0 ? [] : await factsOf(withdraws ? null : facts, WITHDRAWABLE)
  holding = [...stated, ...(followed?.held ?? []), ...holding]
  const memories: ToldMemory[] = []
  const ended: Memory[] = []
  for (const fact of facts.slice(0, MAX_TOLD)) {
    const { subject, attribute, value, kind, sentence } = fact
    const memory = kind === 'withdrawn' ? null : memoryOf(sentence, { subject, attribute, value })
    const next = latest<Fact & { readonly memory: Memory | null }>([...holding, { ...fact, memory }])
    const gone = holding.filter((one) => !next.includes(one)).map((one) => one.memory)
    memories.push({ namespace, user, ends: gone.map(({ id }) => id), memory })
    ended.push(...gone)
    holding = next.filter((one): one is KnownFact => one.memory !== null)
  }
  for (const statement of statements.slice(0, MAX_TOLD - memories.length))
    memories.push({ namespace, user, ends: [], memory: memoryOf(statement, null) })
  const written = memories.flatMap(({ memory }) => memory ?? [])
  return { told: memories, written, ended }
}

/** Statements that no rule has read, with words of the message, as facts: a correction may mean one of them. */
async function statedFacts(
  store: Deps['store'],
  owner: string,
  { namespace, user }: Pick<MemoryUse, 'namespace' | 'user'>,
  text: string,
): Promise<KnownFact[]> {
  const where = { namespace, user: user ?? '', topics: [], ended: false, metadata: {}, made: null }
  const hits = await store.searchMemories(owner, { ...where, text, limit: RECENT })
  return hits.flatMap(({ memory }) => {
    const fact = memory.fact === null && memory.source ? statedFact({ ...memory.source, text: memory.text }) : undefined
    return fact ? [{ ...fact, memory }] : []
  })
}

/** What a message says twice, once. */
function withoutTwins<T>(all: readonly T[], key: (one: T) => string): T[] {
  return [...new Map(all.map((one) => [key(one), one])).values()]
}

const textOf = ({ text }: Sentence): string => text

/** Counts what was written, once it is. */
export function countTold({ memoryWrites }: Deps['metrics'], { written, ended }: TurnMemories): void {
  memoryWrites.inc({ result: 'told' }, written.length)
  memoryWrites.inc({ result: 'ended' }, ended.length)
}

function factOf(memory: Memory): KnownFact {
  const { start, end } = memory.source ?? { start: 0, end: memory.text.length }
  const sentence = { text: memory.text, start, end }
  return { ...(memory.fact as NonNullable<Memory['fact']>), kind: 'told', sentence, confidence: 1, memory }
}
