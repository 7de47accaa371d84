/** What a turn corrects without naming it: its sentences beside what was told last, and beside what has their words. */
import type { Deps } from '../deps.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { MemoryUse } from './evidence.ts'
import type { Fact, Told } from './facts/fact.ts'
import { factOfSaid, followUpOf, mayFollowUp, NO_TOPIC } from './facts/follow-ups.ts'
import { holdsMany, topicKey } from './facts/supersede.ts'
import { sameTopic } from './facts/topic.ts'
import { wordsOf } from './words.ts'

/** Confidence of rules that have read whose and what a value is. */
const SURE = 0.75
/** Memories told last that a sentence is compared with, and as many that have its words. */
const LOOKED_AT = 8

export interface FollowUps {
  /** What the rules have read of the turn, without the sentence that corrects. */
  readonly read: readonly Fact[]
  readonly facts: readonly Fact[]
  /** What does not hold any more, as a fact on the topic of those. */
  readonly held: readonly (Fact & { readonly memory: Memory })[]
}

/** What a rule has surely read in a sentence is of that, and no correction of something else. */
function isSure(fact: Fact, old: Fact): boolean {
  return fact.confidence >= SURE && !NO_TOPIC.test(`${fact.subject} ${fact.attribute}`) && sameTopic(fact, old) < 0.75
}

/** Whether two values share a word. */
const sharesWord = (one: string, other: string): boolean => {
  const [a, b] = [one, other].map((text) => new Set(wordsOf(text)))
  return [...a!].some((word) => b!.has(word))
}

/** The first correction among the sentences of a turn; null where there is none. */
export async function followUpsOf(
  store: Deps['store'],
  owner: string,
  { namespace, user }: Pick<MemoryUse, 'namespace' | 'user'>,
  { facts, statements }: Told,
): Promise<FollowUps | null> {
  const all = [...facts.map(({ sentence }) => sentence), ...statements]
  const sentences = [...new Map(all.map((one) => [one.start, one])).values()].filter(({ text }) => mayFollowUp(text))
  if (sentences.length === 0) return null
  const whose = { namespace, user: user ?? '' }
  const listed = await store.listMemories(owner, { ...whose, limit: LOOKED_AT, after: null, order: 'desc' })
  const last = listed.filter(({ ended, source }) => ended === null && source !== null)
  for (const sentence of sentences) {
    const query = {
      ...whose,
      topics: [],
      ended: false,
      metadata: {},
      made: null,
      text: sentence.text,
      limit: LOOKED_AT,
    }
    const hits = (await store.searchMemories(owner, query)).map(({ memory }) => memory)
    const others = hits.filter(({ id, source }) => source !== null && !last.some((one) => one.id === id))
    const found = followUpOf(sentence, [...last, ...others])
    if (!found) continue
    const { of: memory, value } = found
    // "Class 7 now" leaves the name of "my son Arjun is in class 6".
    if (memory.fact !== null && !sharesWord(found.old, memory.fact.value)) continue
    const old = factOfSaid(memory, memory.fact?.value ?? found.old, { text: memory.text, start: 0, end: 0 })
    const own = facts.filter((fact) => fact.sentence === sentence)
    if (own.some((fact) => topicKey(fact) === topicKey(old) || isSure(fact, old))) continue
    const next: Fact = { ...old, value, sentence }
    const isOneOfMany = holdsMany(next)
    const corrected: Fact[] = isOneOfMany ? [{ ...old, kind: 'withdrawn' }, next] : [{ ...next, kind: 'corrected' }]
    const read = facts.filter((fact) => fact.sentence !== sentence)
    return { read, facts: corrected, held: [{ ...old, memory }] }
  }
  return null
}
