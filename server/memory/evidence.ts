/** Which memories a turn reads, and why. */
import type { Deps } from '../deps.ts'
import type { Memory, MemoryHit } from '../store/memory-calls.ts'
import type { Topic } from './facts/fact.ts'
import { recall } from './memories.ts'
import { wordsOf } from './words.ts'

/** How a turn uses memories, and whose. */
export interface MemoryUse {
  readonly read: boolean
  readonly write: boolean
  readonly namespace: string
  /** Null: of nobody in particular. */
  readonly user: string | null
  /** The turn stays found by search, however many there are. */
  readonly pin: boolean
  /** The request's word against the gate's: true reads the best entries in any case, false none. */
  readonly gate: boolean | null
}

/** What was found for a turn. */
export interface Evidence {
  /** Entries that the reply reads, oldest first. */
  readonly entries: readonly MemoryHit[]
  /** All that the search found, best first: an answer may be among what the gate kept from the reply. */
  readonly found: readonly MemoryHit[]
  /** What the user asks about themselves, as far as rules read it. */
  readonly asked: readonly Topic[]
  readonly gate: GateDecision
  /** The embedder that compared meanings; null where only words were compared. */
  readonly embedder: string | null
}

/** Whether entries are read, and what that was decided by: the best entry's features. */
export interface GateDecision {
  readonly open: boolean
  readonly forced: boolean
  readonly candidates: number
  /** Share of the message's words, without the commonest, that the entry has. */
  readonly overlap: number
  readonly similarity: number | null
  readonly topic: number | null
}

/** Entries that a reply reads at most, and their characters together. */
const MAX_ENTRIES = 6
const MAX_CHARACTERS = 2000
const CANDIDATES = 16
/** An entry is read from these values on, of any of its features; an embedder may say another cosine. */
const LEAST = { topic: 0.5, overlap: 0.5, similarity: 0.5 } as const
/** Of a fact about something else than what is asked, the share of words that it has: "my boss's name" for "my boss's age". */
const LEAST_OF_OTHERS = 0.75

/** Words that say nothing of what a message is about. */
const COMMON: ReadonlySet<string> = new Set(
  `a about again all am an and any are as at be been but by can could did do does else for from get go got had has have hello
  hey hi how i if in is it its just know let like me mine more my no not now of ok okay on or our out please remember remind
  say should so some still tell than thank thanks that the their them then there these they this to too up us was we were what
  whats when where which who whom whose why will with would yes you your yours`.split(/\s+/),
)

/** Looks for what is remembered of the user's words. `isKnown`: whether the request itself says it, so that it need not be noted. */
export async function findEvidence(
  deps: Deps,
  owner: string,
  use: MemoryUse,
  message: string,
  isKnown: (memory: Memory) => boolean,
  signal: AbortSignal,
): Promise<Evidence | null> {
  if (!use.read || use.gate === false || message.trim() === '') return null
  const { namespace, user } = use
  const asked = { namespace, user: user ?? '', metadata: {}, ended: false, text: message, limit: CANDIDATES }
  const { hits, embedder, topics } = await recall(deps, owner, asked, signal)
  const words = contentWords(message)
  const fresh = hits.filter(({ memory }) => !isKnown(memory))
  const scored = fresh.map((hit) => ({ hit, overlap: overlapOf(words, hit.memory.text) }))
  const relevance = { asksTopic: topics.length > 0, similarity: deps.embedders[0]?.leastSimilarity ?? LEAST.similarity }
  const wanted = scored.filter(({ hit, overlap }) => use.gate === true || isRelevant(hit, overlap, relevance))
  const entries = withinBudget(wanted.map(({ hit }) => hit))
  const [best] = wanted.length > 0 ? wanted : scored
  const gate = {
    open: entries.length > 0,
    forced: use.gate === true,
    candidates: hits.length,
    overlap: best?.overlap ?? 0,
    similarity: best?.hit.similarity ?? null,
    topic: best?.hit.topic ?? null,
  }
  return { entries, found: fresh, asked: topics, gate, embedder }
}

function isRelevant(
  { memory, topic, similarity }: MemoryHit,
  overlap: number,
  least: { readonly asksTopic: boolean; readonly similarity: number },
): boolean {
  if ((topic ?? 0) >= LEAST.topic) return true
  const isOther = least.asksTopic && memory.fact !== null
  if (overlap >= (isOther ? LEAST_OF_OTHERS : LEAST.overlap)) return true
  return !isOther && (similarity ?? 0) >= least.similarity
}

/** The words of a text without the commonest. */
export function contentWords(text: string): ReadonlySet<string> {
  return new Set(wordsOf(text).filter((word) => !COMMON.has(word)))
}

function overlapOf(words: ReadonlySet<string>, text: string): number {
  if (words.size === 0) return 0
  const has = new Set(wordsOf(text))
  return [...words].filter((word) => has.has(word)).length / words.size
}

/**
 * The best that fit, oldest first: of two that contradict each other the later one is read last. A sentence that says
 * several facts is read once.
 */
function withinBudget(hits: readonly MemoryHit[]): MemoryHit[] {
  const kept: MemoryHit[] = []
  let characters = 0
  for (const hit of hits) {
    if (kept.some(({ memory }) => memory.text === hit.memory.text)) continue
    characters += hit.memory.text.length
    if (kept.length === MAX_ENTRIES || characters > MAX_CHARACTERS) break
    kept.push(hit)
  }
  return kept.toSorted((a, b) => a.memory.created - b.memory.created)
}
