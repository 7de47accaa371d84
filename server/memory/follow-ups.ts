/** What a turn corrects without naming it: its sentences beside what was told last, and beside what has their words. */
import type { Deps } from '../deps.ts'
import type { Memory } from '../store/memory-calls.ts'
import type { MemoryUse } from './evidence.ts'
import type { Fact, Sentence, Told } from './facts/fact.ts'
import { factOfSaid, followUpOf, mayFollowUp, NO_TOPIC } from './facts/follow-ups.ts'
import { holdsMany, topicKey } from './facts/supersede.ts'
import { sameTopic } from './facts/topic.ts'
import type { ReadPairs } from './reader.ts'
import { wordsOf } from './words.ts'

/** Confidence of rules that have read whose and what a value is. */
const SURE = 0.75
/** Odds of a reader, as a logarithm, from which on what a rule reads as a correction is one. */
export const WITH_RULE = -2
/** Memories told last that a sentence is compared with, and as many that have its words. */
const LOOKED_AT = 8

/** What a turn is read beside. */
export interface Beside {
  /** What the reply before it has quoted; null: no memory. */
  readonly quoted: Memory | null
  readonly read: ReadPairs
}

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

/** The first correction among the sentences of a turn; null where there is none. What is said to a reply that has quoted a memory means none that was told last. */
export async function followUpsOf(
  store: Deps['store'],
  owner: string,
  { namespace, user }: Pick<MemoryUse, 'namespace' | 'user'>,
  { facts, statements }: Told,
  { quoted, read }: Beside,
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
    const found = followUpOf(sentence, [...last, ...others], quoted ? 0 : undefined)
    if (!found) continue
    const { of: memory } = found
    // "Class 7 now" leaves the name of "my son Arjun is in class 6".
    if (memory.fact !== null && !sharesWord(found.old, memory.fact.value)) continue
    const odds = await read([{ first: memory.text, second: sentence.text }])
    if ((odds(memory.text, sentence.text)?.replaces ?? 0) < WITH_RULE) continue
    if (!isOwnFact(facts, sentence, memory, found.old)) return corrected(facts, sentence, memory, found)
  }
  return null
}

/** What is remembered of a memory as a fact, whose value is `old` where no rule has read one. */
const factOf = (memory: Memory, old: string): Fact =>
  factOfSaid(memory, memory.fact?.value ?? old, { text: memory.text, start: 0, end: 0 })

/** Whether a rule has read in a sentence what it says, so that it corrects no memory of something else. */
export function isOwnFact(facts: readonly Fact[], sentence: Sentence, memory: Memory, old = memory.text): boolean {
  const before = factOf(memory, old)
  const own = facts.filter((fact) => fact.sentence === sentence)
  return own.some((fact) => topicKey(fact) === topicKey(before) || isSure(fact, before))
}

/** The facts of a turn with the correction that one of its sentences is. */
export function corrected(
  facts: readonly Fact[],
  sentence: Sentence,
  memory: Memory,
  { old, value }: { readonly old: string; readonly value: string },
): FollowUps {
  const before = factOf(memory, old)
  const next: Fact = { ...before, value, sentence }
  const isOneOfMany = holdsMany(next)
  const made: Fact[] = isOneOfMany ? [{ ...before, kind: 'withdrawn' }, next] : [{ ...next, kind: 'corrected' }]
  const read = facts.filter((fact) => fact.sentence !== sentence)
  return { read, facts: made, held: [{ ...before, memory }] }
}
