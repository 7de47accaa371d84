/** What a user has told in the conversation that goes on, whether it is remembered or not. */
import type { Fact } from '../memory/facts/fact.ts'
import { latest, topicKey } from '../memory/facts/supersede.ts'
import { toldBy } from '../memory/facts/told-by.ts'
import type { KnownFact, Note } from './verdict.ts'

/** Characters of the messages that are read: each sentence is weighed against each question. */
const HEARD_CHARACTERS = 32_768

/** The last of a conversation's messages that are read, and whether these are all. */
export function lastHeard(messages: readonly string[]): { readonly heard: readonly string[]; readonly isAll: boolean } {
  let [from, room] = [messages.length, HEARD_CHARACTERS]
  while (from > 0) {
    room -= messages[from - 1]!.length
    // The last one is read however long it is.
    if (room < 0 && from < messages.length) break
    from--
  }
  return { heard: messages.slice(from), isAll: from === 0 }
}

/** Facts and statements of the messages, in their order. On a topic that memories know, the memories are right. */
export function heardIn(
  messages: readonly string[],
  remembered: readonly KnownFact[],
): { readonly facts: readonly KnownFact[]; readonly notes: readonly Note[] } {
  const facts: Fact[] = []
  const notes: Note[] = []
  for (const message of messages) {
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
