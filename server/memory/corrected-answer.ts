/** "It's 3:30", said to a reply that has quoted what was told: a correction of just that. */
import type { Store } from '../store/store.ts'
import type { Memory } from '../store/memory-calls.ts'
import { corrected, isOwnFact, WITH_RULE, type FollowUps } from './follow-ups.ts'
import { followUpOf } from './facts/follow-ups.ts'
import type { Fact, Sentence, Told } from './facts/fact.ts'
import { topicKey } from './facts/supersede.ts'
import type { Whose } from './neighbours.ts'
import type { ReadPairs } from './reader.ts'

/** Odds, as a logarithm, from which on a reader says so where no rule does. */
const ALONE = 2.5
const LOOKED_AT = 8

/** The memory that holds and says what was quoted; null: there is none. */
export async function quotedMemory(
  store: Pick<Store, 'searchMemories'>,
  owner: string,
  { namespace, user }: Whose,
  text: string,
): Promise<Memory | null> {
  const whose = { namespace, user: user ?? '', topics: [], ended: false, metadata: {}, made: null }
  const hits = await store.searchMemories(owner, { ...whose, text, limit: LOOKED_AT })
  const memories = hits.map(({ memory }) => memory).filter(({ source }) => source !== null)
  return memories.find((one) => one.text === text) ?? memories.find((one) => one.text.includes(text)) ?? null
}

/** The first sentence of a turn that corrects what was quoted; null where none does. */
export async function correctedAnswer(
  { facts, statements }: Told,
  memory: Memory,
  read: ReadPairs,
): Promise<FollowUps | null> {
  const all = [...facts.map(({ sentence }) => sentence), ...statements]
  const sentences = [...new Map(all.map((one) => [one.start, one])).values()]
  const isOfItself = (fact: Fact): boolean =>
    fact.kind === 'told' || (memory.fact !== null && topicKey(fact) === topicKey(memory.fact))
  const odds = await read(sentences.map(({ text }) => ({ first: memory.text, second: text })))
  for (const sentence of sentences) {
    const value = newValue(sentence, memory, odds(memory.text, sentence.text)?.replaces ?? null)
    // "No, number 11" is read as the number of nothing in particular.
    if (value && !isOwnFact(facts.filter(isOfItself), sentence, memory))
      return corrected(facts, sentence, memory, value)
  }
  return null
}

/** What the sentence puts in which value's place, by the rules or by the reader alone; null: it corrects nothing. */
function newValue(
  sentence: Sentence,
  memory: Memory,
  odds: number | null,
): { readonly old: string; readonly value: string } | null {
  const found = followUpOf(sentence, [memory])
  if (found) return odds === null || odds >= WITH_RULE ? found : null
  return odds !== null && odds >= ALONE ? { old: memory.fact?.value ?? memory.text, value: sentence.text } : null
}
