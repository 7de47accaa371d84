/** Which memories a turn reads, and why. */
import { NOTHING_FOUND, type SearchFeatures } from '../../runtime/controller-features.ts'
import type { Deps } from '../deps.ts'
import { isAway } from '../store/errors.ts'
import type { MadeVector, Memory, MemoryHit } from '../store/memory-calls.ts'
import { answering, readSurest, type AskedBy } from './answering.ts'
import { inContext, toldBefore, type Contexts } from './contexts.ts'
import { withoutDenied, type Denied } from './denied.ts'
import { hasConflict, isOfAnother, withinBudget } from './entries.ts'
import type { Topic } from './facts/fact.ts'
import { recall } from './memories.ts'
import { readingOnce, READS_NOTHING, type ReadPairs, type Reads } from './reader.ts'
import { readQuestion } from './recall/question.ts'
import type { BothRead } from './recall/still-answers.ts'
import { contentWords, isRelevant, leastOf, overlapOf } from './relevance.ts'

/** How a turn uses memories, and whose. */
export interface MemoryUse {
  readonly read: boolean
  readonly write: boolean
  readonly namespace: string
  /** Null: of nobody in particular. */
  readonly user: string | null
  /** The turn stays found by search, however many there are. */
  readonly pin: boolean
}

/** A sentence, and what took its place. */
export interface Replaced {
  readonly id: string
  readonly text: string
  readonly by: Memory
  /** What a reader says of both; none where it has read neither. */
  readonly reads?: BothRead
}

/** What was found for a turn. */
export interface Evidence {
  /** Entries that the reply reads, oldest first. */
  readonly entries: readonly MemoryHit[]
  /** The best entries, whatever their features: what is read where the gate is opened and not decided by thresholds. */
  readonly offered: readonly MemoryHit[]
  readonly features: SearchFeatures
  /** All that the search found, best first: an answer may be among what the gate kept from the reply. */
  readonly found: readonly MemoryHit[]
  /** What it found besides and the request itself says: it need not be read, and may be the answer. */
  readonly said: readonly MemoryHit[]
  /** What the found ones lean on. */
  readonly contexts: Contexts
  /** Whether the found ones answer, by the reader. */
  readonly reads: Reads
  /** Reads more for this turn: what may have taken the place of which. */
  readonly read: ReadPairs
  /** What was found and is denied by what was told later. */
  readonly replaced: readonly Replaced[]
  /** What the user asks about themselves, as far as rules read it. */
  readonly asked: readonly Topic[]
  readonly gate: GateDecision
  /** The embedder that compared meanings; null where only words were compared. */
  readonly embedder: string | null
  /** Nothing was found because the server that holds memories cannot be reached. */
  readonly isAway?: boolean
}

/** Whether entries are read, and what that was decided by. */
export interface GateDecision {
  readonly open: boolean
  readonly forced: boolean
  readonly candidates: number
  /** Share of the message's words, without the commonest, that the entry has. */
  readonly overlap: number
  readonly similarity: number | null
  readonly topic: number | null
  /** How surely the best memory answers the question, 0 to 1: of a question this decides. Null where the message is none. */
  readonly answer: number | null
}

const CANDIDATES = 32
const NOTHING_READ: Pick<Evidence, 'contexts' | 'reads' | 'read'> = {
  contexts: new Map(),
  reads: new Map(),
  read: READS_NOTHING,
}
/** The turn goes on without memories, and its usage says so. */
const UNREACHABLE: Evidence = {
  entries: [],
  offered: [],
  found: [],
  said: [],
  ...NOTHING_READ,
  replaced: [],
  features: NOTHING_FOUND,
  asked: [],
  gate: { open: false, forced: false, candidates: 0, overlap: 0, similarity: null, topic: null, answer: null },
  embedder: null,
  isAway: true,
}

/** Rethrows what is no unreachable store of memories. */
export function nullIfAway(error: unknown): null {
  if (isAway(error)) return null
  throw error
}

/** What is looked for, and for whom. */
export interface Search {
  readonly owner: string
  readonly use: MemoryUse
  /** What the user wrote last. */
  readonly message: string
  /** The message's vector; null where there is none. */
  readonly made: MadeVector | null
}

/**
 * Looks for what is remembered of the user's words; `entries` are what thresholds let through. `isKnown`: whether the request
 * itself says it, so that it need not be noted.
 */
export async function findEvidence(
  deps: Deps,
  { owner, use, message, made }: Search,
  isKnown: (memory: Memory) => boolean,
  signal: AbortSignal,
): Promise<Evidence | null> {
  if (!use.read || message.trim() === '') return null
  const { namespace, user } = use
  const asked = { namespace, user: user ?? '', metadata: {}, ended: false, text: message, limit: CANDIDATES }
  const found = await recall(deps, owner, asked, signal, made).catch(nullIfAway)
  if (!found) return UNREACHABLE
  const { embedder, topics } = found
  const question = readQuestion(message, topics.length > 0)
  const { hits, by } = question
    ? await readFor(deps, { owner, use, message, question, asked: topics }, found.hits, signal)
    : { hits: found.hits, by: null }
  const own = hits.filter(({ memory }) => !isOfAnother(memory, message))
  const said = own.filter(({ memory }) => isKnown(memory))
  const { fresh, denied } = withoutDenied(own.filter((hit) => !said.includes(hit)))
  const words = contentWords(message)
  const scoredOf = (hit: MemoryHit): Scored => ({ hit, overlap: overlapOf(words, hit.memory.text) })
  const relevance = { asksTopic: topics.length > 0, ...leastOf(deps, 'semantic') }
  const answer = by && (await answering(deps, by, { fresh, denied }, relevance.answer, signal).catch(nullIfAway))
  // A question of the world may be answered the better for what was told, though that is no answer.
  const decides = answer !== null && (answer.hits.length > 0 || question?.isOwn === true)
  const scored = fresh.map(scoredOf)
  const wanted = decides
    ? answer.hits.filter(({ memory }) => !isKnown(memory) && !isOfAnother(memory, message)).map(scoredOf)
    : scored.filter(({ hit, overlap }) => isRelevant(hit, overlap, relevance))
  const entries = withinBudget(wanted.map(({ hit }) => hit))
  const offered = withinBudget(fresh)
  const best = (wanted.length > 0 ? wanted : scored)[0] ?? null
  const seen = seenOf(best, hits.length)
  return {
    entries,
    offered,
    found: fresh,
    said,
    ...NOTHING_READ,
    ...(by && { contexts: by.contexts, reads: by.reads, read: by.read }),
    replaced: replacedBy(denied),
    features: best ? featuresOf(deps, best, scored, seen, { offered, entries }) : NOTHING_FOUND,
    asked: topics,
    gate: { open: entries.length > 0, forced: false, ...seen, answer: answer?.surest ?? null },
    embedder,
  }
}

type Seen = Pick<GateDecision, 'candidates' | 'overlap' | 'similarity' | 'topic'>

/** What the gate is decided by, of the best entry. */
const seenOf = (best: Scored | null, candidates: number): Seen => ({
  candidates,
  overlap: best?.overlap ?? 0,
  similarity: best?.hit.similarity ?? null,
  topic: best?.hit.topic ?? null,
})

/** What a controller sees of the search. */
function featuresOf(
  { now }: Pick<Deps, 'now'>,
  { hit: { memory, score } }: Scored,
  scored: readonly Scored[],
  seen: Seen,
  { offered, entries }: Pick<Evidence, 'offered' | 'entries'>,
): SearchFeatures {
  return {
    ...seen,
    candidates: scored.length,
    score,
    second: scored.find(({ hit }) => hit.memory.id !== memory.id)?.hit.score ?? 0,
    age: now() - memory.created,
    conflict: hasConflict(offered),
    above: entries.length > 0,
  }
}

const replacedBy = (denied: readonly Denied[]): Replaced[] =>
  denied.flatMap(({ hit: { memory }, by, isReplaced }) =>
    isReplaced ? [{ id: memory.id, text: memory.text, by: by.memory }] : [],
  )

/** Reads what was found for a question, beside what it leans on: those first that words and meaning say answer it. */
async function readFor(
  deps: Deps,
  asked: Pick<AskedBy, 'owner' | 'use' | 'message' | 'question' | 'asked'>,
  found: readonly MemoryHit[],
  signal: AbortSignal,
): Promise<{ readonly hits: readonly MemoryHit[]; readonly by: AskedBy }> {
  const { owner, use, message } = asked
  const { hits, contexts } = (await inContext(deps, owner, use, found).catch(nullIfAway)) ?? {
    hits: found,
    contexts: NOTHING_READ.contexts,
  }
  const compared = found.flatMap(({ similarity }) => similarity ?? [])
  const leastSimilar = compared.length === 0 ? null : Math.min(...compared)
  const read = readingOnce(deps, owner, signal)
  const before = async (some: readonly MemoryHit[]): Promise<ReadonlyMap<string, string>> =>
    (await toldBefore(deps, owner, use, some, contexts).catch(nullIfAway)) ?? new Map<string, string>()
  const unread = { ...asked, contexts, before, leastSimilar, reads: NOTHING_READ.reads, read }
  const holding = withoutDenied(hits.filter(({ memory }) => !isOfAnother(memory, message))).fresh
  const reads = deps.reader ? await readSurest(unread, hits, holding) : NOTHING_READ.reads
  return { hits, by: { ...unread, reads } }
}

/** The evidence once its gate is decided by somebody else than thresholds. */
export function opened(evidence: Evidence, open: boolean, forced: boolean): Evidence {
  // What is above the thresholds alone, where something is: other entries beside it only mislead
  const best = evidence.entries.length > 0 ? evidence.entries : evidence.offered
  const entries = open ? best : []
  return { ...evidence, entries, gate: { ...evidence.gate, open: entries.length > 0, forced } }
}

interface Scored {
  readonly hit: MemoryHit
  readonly overlap: number
}
