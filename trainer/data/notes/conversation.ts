/** Puts notes, what was said before and the user's message into the messages of a conversation. */
import { notesText } from '../../../runtime/notes.ts'
import type { Message } from '../../../runtime/text.ts'
import type { Random } from '../../random.ts'
import { drawFact, drawTopic } from './draw-fact.ts'
import { unrelated } from './irrelevant.ts'
import { tell } from './stems.ts'
import type { Part } from './values.ts'

/** What the notes have of what is asked. */
export type Case = 'told' | 'corrected' | 'untold' | 'whether' | 'telling' | 'within' | 'everything' | 'plain'

export interface Example {
  readonly case: Case
  readonly notes: readonly string[]
  /** The conversation with its notes, up to the user's message. */
  readonly messages: readonly Message[]
  readonly reply: string
  /** Whether the reply ends where its text does; else it was cut. */
  readonly ends: boolean
  /** The values that the answer needs. */
  readonly values: readonly string[]
}

/** What is said to someone who tells something. */
export const NOTED = 'Thank you for telling me.'

/** Puts sentences into others at random places, in their order. */
export function mixed(random: Random, others: readonly string[], own: readonly string[]): string[] {
  const all = [...others]
  let from = 0
  for (const sentence of own) {
    const at = random.between(from, all.length)
    all.splice(at, 0, sentence)
    from = at + 1
  }
  return all
}

/** A user's message, one time in five after something else was said. */
export function conversation(random: Random, notes: readonly string[], user: string, part: Part): Message[] {
  const before: Message[] = []
  if (random.chance(0.2)) {
    const fact = drawFact(random, drawTopic(random, part), part)
    before.push(
      {
        role: 'user',
        content: random.pick(['Hi!', 'Hello', unrelated(random), tell(random, fact.topic, fact.value, part)]),
      },
      { role: 'assistant', content: random.pick([NOTED, 'Hello! How can I help you today?']) },
    )
  }
  return withNotes(random, notes, [...before, { role: 'user', content: user }])
}

/** Puts the notes before the last message, or after the conversation's own system message. */
export function withNotes(random: Random, notes: readonly string[], messages: readonly Message[]): Message[] {
  const system: Message[] = random.chance(0.15)
    ? [
        {
          role: 'system',
          content: random.pick([
            'You are a helpful assistant.',
            'You are a friendly assistant who answers in one sentence.',
            'Be brief.',
          ]),
        },
      ]
    : []
  if (notes.length === 0) return [...system, ...messages]
  const noted: Message = { role: 'system', content: notesText(notes.map((text) => ({ text }))) }
  if (system.length > 0) return [...system, noted, ...messages]
  return [...messages.slice(0, -1), noted, ...messages.slice(-1)]
}
