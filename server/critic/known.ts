/** What a reply is checked against: what its user has told, here and before. */
import type { Deps } from '../deps.ts'
import { allFacts } from '../memory/all-facts.ts'
import type { Evidence, MemoryUse } from '../memory/evidence.ts'
import type { TurnMemories } from '../memory/told.ts'
import type { Memory } from '../store/memory-calls.ts'
import { heardIn } from './heard.ts'
import type { KnownFact, Note } from './verdict.ts'

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
  /** The model knows nothing but what its user told. */
  readonly knowsOnlyTold: boolean
}

export interface Known {
  /** In the order in which they were told. */
  readonly memories: readonly Memory[]
  readonly facts: readonly KnownFact[]
  readonly notes: readonly Note[]
  /** Statements of this conversation. */
  readonly said: readonly Note[]
  /** What is not among these may have been told all the same. */
  readonly mayMiss: boolean
}

export async function knownFor(
  store: Deps['store'],
  owner: string,
  { namespace, user }: MemoryUse,
  { evidence, told, heard, isWhole }: CheckedTurn,
): Promise<Known> {
  const kept = await allFacts(store, owner, { namespace, user, limit: MAX_FACTS })
  const gone = new Set(told?.ended.map(({ id }) => id))
  const entries = evidence.entries.map(({ memory }) => memory)
  const memories = unique([...entries, ...kept.toReversed(), ...(told?.written ?? [])])
  const remembered = memories.flatMap((memory) => knownFact(memory, gone))
  const said = heardIn(heard, remembered)
  const notes = memories.flatMap(({ id, text, fact }): Note[] => (fact ? [] : [{ id, text }]))
  return {
    memories,
    facts: [...said.facts, ...remembered],
    notes: [...said.notes, ...notes],
    said: said.notes,
    mayMiss: !isWhole || (kept.length === MAX_FACTS && evidence.asked.length === 0),
  }
}

function knownFact({ id, text, fact, ended }: Memory, gone: ReadonlySet<string>): KnownFact[] {
  return fact ? [{ ...fact, id, text, holds: ended === null && !gone.has(id) }] : []
}

/** Facts in the order in which they were told; one that was found and is kept stands once. */
function unique(memories: readonly Memory[]): Memory[] {
  return [...new Map(memories.map((memory) => [memory.id, memory])).values()].toSorted((a, b) => a.created - b.created)
}
