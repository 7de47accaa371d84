/** One conversation: notes, what was said before, the user's message, and the reply that is learned. */
import type { Message } from '../../../runtime/text.ts'
import { notesText } from '../../../runtime/notes.ts'
import type { Random } from '../../random.ts'
import { mention, unrelated } from './irrelevant.ts'
import type { PlainReply } from './replies.ts'
import { answer, ask, askWhether, correct, tell, untold } from './stems.ts'
import { meaningOf, type Topic } from './topic.ts'
import { drawEvent } from './events.ts'
import { sayings } from './sayings.ts'
import { openTopic, ownTopics, relatedTopics, thingTopics, topics } from './topics.ts'
import { drawValue, type Part } from './values.ts'

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
const NOTED = 'Thank you for telling me.'

/** How often each case is drawn. */
const shares: readonly (readonly [Case, number])[] = [
  ['told', 0.32],
  ['corrected', 0.1],
  ['untold', 0.25],
  ['whether', 0.03],
  ['telling', 0.05],
  ['within', 0.05],
  ['everything', 0.02],
  ['plain', 0.18],
]

interface Fact {
  readonly topic: Topic
  readonly value: string
}

/** Draws conversations; `replies` are those of the base model. */
export function exampleSource(replies: readonly PlainReply[], part: Part): (random: Random, only?: Case) => Example {
  return (random, only) => {
    const kind = only ?? drawCase(random)
    if ((kind === 'told' || kind === 'untold') && random.chance(0.3)) return eventExample(random, kind, part)
    if (kind === 'plain') return plainExample(random, random.pick(replies), part)
    return askedExample(random, kind, part)
  }
}

function drawCase(random: Random): Case {
  let left = random.uniform()
  for (const [one, share] of shares) {
    left -= share
    if (left < 0) return one
  }
  return 'told'
}

/** The kinds of topics in turn, so that the many of other people do not crowd out a user's own. */
export function drawTopic(random: Random, part: Part): Topic {
  if (random.chance(0.15)) return openTopic(random, part)
  if (part === 'train' && random.chance(0.3)) return random.pick(sayings)
  for (;;) {
    const topic = random.pick(random.pick([ownTopics, ownTopics, thingTopics, relatedTopics]))
    if (part === 'heldout' || topic.part === 'train') return topic
  }
}

const drawFact = (random: Random, topic: Topic, part: Part): Fact => ({
  topic,
  value: drawValue(random, topic.kind, part),
})

/** Topics that are close to another: of the same theme, kind or person. */
function closeTopics({ noun, theme, kind }: Topic): Topic[] {
  const [who] = noun.split(' ') as [string]
  return topics.filter(
    (other) => other.theme === theme || other.kind === kind || (who.endsWith("'s") && other.noun.startsWith(who)),
  )
}

/** Another topic that is close to one. */
export function closeTo(random: Random, about: Topic, part: Part): Topic {
  const close = closeTopics(about).filter(
    (other) => meaningOf(other) !== meaningOf(about) && (part === 'heldout' || other.part === 'train'),
  )
  return close.length > 0 ? random.pick(close) : drawTopic(random, part)
}

/** Facts of other topics, half of them close. */
function distractors(random: Random, about: Topic, count: number, part: Part): Fact[] {
  const close = closeTopics(about)
  const facts = new Map<string, Fact>()
  const taken = new Set([meaningOf(about)])
  while (facts.size < count) {
    const topic = random.chance(0.5) ? random.pick(close) : drawTopic(random, part)
    if (taken.has(meaningOf(topic)) || (part === 'train' && topic.part !== 'train')) {
      if (random.chance(0.9)) continue
      return [...facts.values()]
    }
    taken.add(meaningOf(topic))
    facts.set(topic.noun, drawFact(random, topic, part))
  }
  return [...facts.values()]
}

function notesOf(random: Random, others: readonly Fact[], part: Part): string[] {
  return others.map((fact) => (random.chance(0.12) ? unrelated(random) : tell(random, fact.topic, fact.value, part)))
}

/** Puts sentences into others at random places, in their order. */
function mixed(random: Random, others: readonly string[], own: readonly string[]): string[] {
  const all = [...others]
  let from = 0
  for (const sentence of own) {
    const at = random.between(from, all.length)
    all.splice(at, 0, sentence)
    from = at + 1
  }
  return all
}

function askedExample(random: Random, kind: Exclude<Case, 'plain'>, part: Part): Example {
  const topic = drawTopic(random, part)
  const { value } = drawFact(random, topic, part)
  const others = distractors(random, topic, random.pick([0, 1, 1, 2, 2, 3, 4, 5]), part)
  const question = ask(random, topic, part)
  const around = notesOf(random, others, part)
  const noted = (own: readonly string[], user: string, reply: string, values: readonly string[]): Example => {
    const notes = mixed(random, around, own)
    return { case: kind, notes, messages: conversation(random, notes, user, part), reply, ends: true, values }
  }
  if (kind === 'telling') return noted([], tell(random, topic, value, part), NOTED, [])
  if (kind === 'corrected') {
    const before = drawFact(random, topic, part).value
    const own = [tell(random, topic, before, part), correct(random, topic, value, before, part)]
    return noted(own, question, answer(topic, value), [value])
  }
  if (kind === 'untold') {
    const empty = random.chance(0.2)
    const near = random.chance(0.45) ? [mention(random, topic.noun)] : []
    if (!empty) return noted(near, question, untold(topic), [])
    return {
      case: kind,
      notes: [],
      messages: conversation(random, [], question, part),
      reply: untold(topic),
      ends: true,
      values: [],
    }
  }
  if (kind === 'everything') {
    const notes = around.length > 0 ? around : [tell(random, topic, value, part)]
    const user = random.pick([
      'What do you know about me?',
      'What have I told you about me?',
      'What do you remember about me?',
      'what do you know of me',
    ])
    const reply = `You told me: ${notes.map((note) => (/[.!?)]$/.test(note) ? note : `${note}.`)).join(' ')}`
    return { case: kind, notes, messages: conversation(random, notes, user, part), reply, ends: true, values: [] }
  }
  if (kind === 'within') {
    const notes = random.chance(0.5) ? around : []
    const before: Message[] = [
      { role: 'user', content: tell(random, topic, value, part) },
      { role: 'assistant', content: NOTED },
    ]
    const messages = withNotes(random, notes, [...before, { role: 'user', content: question }])
    return { case: kind, notes, messages, reply: answer(topic, value), ends: true, values: [value] }
  }
  const fact = others.length > 0 && random.chance(0.15) ? others[0] : undefined
  const own = tell(random, topic, value, part, fact)
  if (kind === 'told') return noted([own], question, answer(topic, value), [value])
  const right = random.chance(0.5)
  const asked = right ? value : drawFact(random, topic, part).value
  const said = answer(topic, value)
  const verdict = asked === value ? 'Yes' : 'No'
  return noted([own], askWhether(random, topic, asked), `${verdict}, ${said.charAt(0).toLowerCase()}${said.slice(1)}`, [
    value,
  ])
}

/** What happened, among other notes. */
function eventExample(random: Random, kind: 'told' | 'untold', part: Part): Example {
  const { told, question, reply, value } = drawEvent(random, kind === 'told', part)
  const others = Array.from({ length: random.pick([0, 1, 1, 2, 3, 4]) }, () => {
    if (random.chance(0.5)) return drawEvent(random, true, part).told
    const fact = drawFact(random, drawTopic(random, part), part)
    return tell(random, fact.topic, fact.value, part)
  })
  const notes = mixed(random, others, [told])
  const user = random.chance(0.12) ? question.toLowerCase().replace('?', '') : question
  const messages = conversation(random, notes, user, part)
  return { case: kind, notes, messages, reply, ends: true, values: value === undefined ? [] : [value] }
}

/** What the base says to a plain prompt, with notes that do not matter, or without any. */
function plainExample(random: Random, { prompt, reply, ends }: PlainReply, part: Part): Example {
  const others = Array.from({ length: random.pick([0, 0, 0, 1, 1, 2, 3, 4]) }, () =>
    drawFact(random, drawTopic(random, part), part),
  )
  const notes = notesOf(random, others, part)
  return { case: 'plain', notes, messages: conversation(random, notes, prompt, part), reply, ends, values: [] }
}

/** A user's message, one time in four after something else was said. */
function conversation(random: Random, notes: readonly string[], user: string, part: Part): Message[] {
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
function withNotes(random: Random, notes: readonly string[], messages: readonly Message[]): Message[] {
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
