/** The critic in a turn: the reply against what its user has told, before it is served or stored. */
import type { Deps } from '../deps.ts'
import type { Evidence, MemoryUse } from '../memory/evidence.ts'
import type { TurnMemories } from '../memory/told.ts'
import type { Memory } from '../store/memory-calls.ts'
import { checkReply } from './check-reply.ts'
import { decide, type Decision } from './policy.ts'
import { heardIn } from './heard.ts'
import { promiseOf } from './promise.ts'
import { recalled } from './recalled.ts'
import type { VerifyMode } from './verify-mode.ts'
import type { KnownFact, Note, SentenceVerdict } from './verdict.ts'

export interface Verified {
  readonly policy: Exclude<VerifyMode, 'off'>
  readonly verdicts: readonly SentenceVerdict[]
  readonly decision: Decision
}

/** Facts that a reply is checked against, told last. With more of them, what is not among them may have been told. */
const MAX_FACTS = 1000

/** A turn whose reply is complete. */
export interface CheckedTurn {
  readonly question: string
  readonly reply: string
  readonly evidence: Evidence
  /** What the turn itself tells; null where it is not remembered. */
  readonly told: TurnMemories | null
  /** What the user wrote in this conversation, as far as it is known. */
  readonly heard: readonly string[]
  /** Whether that is all of it: where it is not, nobody can say that something was never told. */
  readonly isWhole: boolean
}

/** The verdicts on a reply, and what is served. */
export async function verifyReply(
  { store, metrics }: Pick<Deps, 'store' | 'metrics'>,
  owner: string,
  { namespace, user }: MemoryUse,
  { question, reply, evidence, told, heard, isWhole }: CheckedTurn,
  policy: Verified['policy'],
): Promise<Verified> {
  const began = performance.now()
  const kept = await store.factsOf(owner, { namespace, user, topics: null, ended: true, limit: MAX_FACTS })
  const gone = new Set(told?.ended.map(({ id }) => id))
  const found = evidence.entries.map(({ memory }) => memory)
  const memories = unique([...found, ...kept.toReversed(), ...(told?.written ?? [])])
  const remembered = memories.flatMap((memory) => knownFact(memory, gone))
  const said = heardIn(heard, remembered)
  const facts = [...said.facts, ...remembered]
  const notes = memories.flatMap(({ id, text, fact }): Note[] => (fact ? [] : [{ id, text }]))
  const mayMiss = !isWhole || (kept.length === MAX_FACTS && evidence.asked.length === 0)
  const verdicts = checkReply({ question, reply, facts, notes: [...said.notes, ...notes] })
    .map((verdict) => (mayMiss ? { ...verdict, invented: false } : verdict))
    .map((verdict) => promiseOf(verdict, told) ?? verdict)
  const remembers = { asked: evidence.asked, found: evidence.found, facts, heard: said.notes }
  const answer = policy === 'quote' ? recalled(question, reply, verdicts, remembers, !isWhole) : null
  const decision = answer ?? sensible(decide(policy, verdicts, facts, question, mayMiss), evidence)
  metrics.verification.observe((performance.now() - began) / 1000)
  for (const { verdict } of verdicts) metrics.verdicts.inc({ verdict })
  return { policy, verdicts, decision }
}

/** Served in place of an invented reply or promise where the user has asked nothing about themselves. */
const ONLY_TOLD = 'I only remember what you tell me about yourself.'

/** Where no fact answers, the nearest sentence of the user that was found does, if there is one that no rule has read. */
function sensible(decision: Decision, { asked, entries }: Evidence): Decision {
  if (decision.action !== 'replace' || decision.facts.length > 0) return decision
  const near = entries.filter(({ memory }) => asked.length === 0 || memory.fact === null)
  const [best] = near.toSorted((a, b) => b.score - a.score)
  if (best) return { ...decision, text: `You told me: "${best.memory.text}"`, facts: [best.memory.id] }
  return asked.length === 0 ? { ...decision, text: ONLY_TOLD } : decision
}

function knownFact({ id, text, fact, ended }: Memory, gone: ReadonlySet<string>): KnownFact[] {
  return fact ? [{ ...fact, id, text, holds: ended === null && !gone.has(id) }] : []
}

/** Facts in the order in which they were told; one that was found and is kept stands once. */
function unique(memories: readonly Memory[]): Memory[] {
  return [...new Map(memories.map((memory) => [memory.id, memory])).values()].toSorted((a, b) => a.created - b.created)
}
