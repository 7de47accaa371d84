/** What a user has told in the conversation that goes on, whether it is remembered or not. */
import type { Fact } from '../memory/facts/fact.ts'
import { latest, topicKey } from '../memory/facts/supersede.ts'
import { toldBy } from '../memory/facts/told-by.ts'
import type { KnownFact, Note } from './verdict.ts'

/** Messages that are read, the last ones. */
const MAX_MESSAGES = 64

/** Facts and statements of the messages, in their order. On a topic that memories know, the memories are right. */
export function heardIn(
  messages: readonly string[],
  remembered: readonly KnownFact[],
): { readonly facts: readonly KnownFact[]; readonly notes: readonly Note[] } {
  const facts: Fact[] = []
  const notes: Note[] = []
  for (const message of messages.slice(-MAX_MESSAGES)) {
    const told = toldBy(message, facts)
    facts.push(...told.facts)
    for (const { text } of told.statements) notes.push({ id: 'conversation', text })
  }
  // Of a message that tells nothing no memory is looked at.
  const known = new Set(facts.length === 0 ? [] : remembered.map(topicKey))
  const holding = new Set(latest(facts))
  const fresh = facts.filter((fact) => fact.kind !== 'withdrawn' && !known.has(topicKey(fact)))
  const factOf = (fact: Fact): KnownFact => {
    const { subject, attribute, value, sentence } = fact
    return { id: 'conversation', subject, attribute, value, text: sentence.text, holds: holding.has(fact) }
  }
  return { facts: fresh.map(factOf), notes }
}
