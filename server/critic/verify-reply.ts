/** The critic in a turn: the reply against what its user has told, before it is served or stored. */
import type { Deps } from '../deps.ts'
import type { Evidence, MemoryUse } from '../memory/evidence.ts'
import type { TurnMemories } from '../memory/told.ts'
import type { Memory } from '../store/memory-calls.ts'
import { checkReply } from './check-reply.ts'
import { decide, type Decision } from './policy.ts'
import { promiseOf } from './promise.ts'
import type { VerifyMode } from './verify-mode.ts'
import type { KnownFact, Note, SentenceVerdict } from './verdict.ts'

export interface Verified {
  readonly policy: Exclude<VerifyMode, 'off'>
  readonly verdicts: readonly SentenceVerdict[]
  readonly decision: Decision
}

/** Facts that a reply is checked against, told last. With more of them, what is not among them may have been told. */
const MAX_FACTS = 1000

/** The verdicts on a reply, and what is served. `told`: what the turn itself tells; null where it is not remembered. */
export async function verifyReply(
  { store }: Pick<Deps, 'store'>,
  owner: string,
  { namespace, user }: MemoryUse,
  turn: {
    readonly question: string
    readonly reply: string
    readonly evidence: Evidence
    readonly told: TurnMemories | null
  },
  policy: Verified['policy'],
): Promise<Verified> {
  const { question, reply, evidence, told } = turn
  const kept = await store.factsOf(owner, { namespace, user, topics: null, ended: true, limit: MAX_FACTS })
  const gone = new Set(told?.ended.map(({ id }) => id))
  const found = evidence.entries.map(({ memory }) => memory)
  const memories = unique([...found, ...kept.toReversed(), ...(told?.written ?? [])])
  const facts = memories.flatMap((memory) => knownFact(memory, gone))
  const notes = memories.flatMap(({ id, text, fact }): Note[] => (fact ? [] : [{ id, text }]))
  const checked = checkReply({ question, reply, facts, notes })
  const mayMiss = kept.length === MAX_FACTS
  const verdicts = checked
    .map((verdict) =>
      mayMiss && verdict.invented && evidence.asked.length === 0 ? { ...verdict, invented: false } : verdict,
    )
    .map((verdict) => promiseOf(verdict, told) ?? verdict)
  const decision = sensible(decide(policy, verdicts, facts, question), evidence)
  return { policy, verdicts, decision }
}

/** Served in place of an invented reply or promise where the user has asked nothing about themselves. */
const ONLY_TOLD = 'I only remember what you tell me about yourself.'

function sensible(decision: Decision, { asked }: Evidence): Decision {
  const isEmpty = decision.action === 'replace' && decision.facts.length === 0
  return isEmpty && asked.length === 0 ? { ...decision, text: ONLY_TOLD } : decision
}

function knownFact({ id, text, fact, ended }: Memory, gone: ReadonlySet<string>): KnownFact[] {
  return fact ? [{ ...fact, id, text, holds: ended === null && !gone.has(id) }] : []
}

/** Facts in the order in which they were told; one that was found and is kept stands once. */
function unique(memories: readonly Memory[]): Memory[] {
  return [...new Map(memories.map((memory) => [memory.id, memory])).values()].toSorted((a, b) => a.created - b.created)
}
