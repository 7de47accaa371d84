/** Draws conversations with notes: generated ones, people's own, and prompts that have nothing to do with notes. */
import type { Message } from '../../../runtime/text.ts'
import type { Random } from '../../random.ts'
import { conversation, mixed, NOTED, withNotes, type Case, type Example } from './conversation.ts'
import { distractors, drawFact, drawTopic, notesOf } from './draw-fact.ts'
import { drawEvent } from './events.ts'
import { mention } from './irrelevant.ts'
import { peopleExample } from './people-example.ts'
import type { PlainReply } from './replies.ts'
import { answer, ask, askWhether, correct, tell, untold } from './stems.ts'
import type { Part } from './values.ts'

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

/** How often a conversation is in people's own words. */
const OF_PEOPLE = 0.6

/** Draws conversations; `replies` are those of the base model. Of only one case, generated ones. */
export function exampleSource(replies: readonly PlainReply[], part: Part): (random: Random, only?: Case) => Example {
  return (random, only) => {
    if (only === undefined && random.chance(OF_PEOPLE)) return peopleExample(random, part)
    const kind = only ?? random.pickByShare(shares)
    if ((kind === 'told' || kind === 'untold') && random.chance(0.3)) return eventExample(random, kind, part)
    if (kind === 'plain') return plainExample(random, random.pick(replies), part)
    return askedExample(random, kind, part)
  }
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
