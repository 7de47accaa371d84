/** Two texts that belong together and one that looks as if it did: questions, what answers them, and what does not. */
import type { Random } from '../../random.ts'
import { drawEvent } from '../notes/events.ts'
import { closeTo, drawTopic } from '../notes/draw-fact.ts'
import { mention } from '../notes/irrelevant.ts'
import { plainPrompts } from '../notes/plain.ts'
import { ask, correct, tell } from '../notes/stems.ts'
import { meaningOf, type Topic } from '../notes/topic.ts'
import { drawValue, type Part } from '../notes/values.ts'
import { peopleTriple } from './people-pairs.ts'
import type { Triple } from './triple.ts'

const TRIES = 20
/** How many of the triples are people's own words; the others are generated. */
const OF_PEOPLE = 0.5

/** Draws a triple whose topics and lines are not among those `taken` in the same batch, to which it adds them. */
export function drawTriple(random: Random, part: Part, taken: Set<string>): Triple {
  return random.chance(OF_PEOPLE) ? peopleTriple(random, part, taken) : generatedTriple(random, part, taken)
}

function generatedTriple(random: Random, part: Part, taken: Set<string>): Triple {
  const kind = random.uniform()
  if (kind < 0.15) return eventTriple(random, part)
  if (kind < 0.25) return plainTriple(random, part, taken)
  const topic = freeTopic(random, () => drawTopic(random, part), taken)
  const value = drawValue(random, topic.kind, part)
  const question = ask(random, topic, part)
  const told = tell(random, topic, value, part)
  if (kind < 0.35) return [told, tell(random, topic, value, part), otherTelling(random, topic, part, taken, value)]
  const answer = kind < 0.45 ? correct(random, topic, value, drawValue(random, topic.kind, part), part) : told
  const other = random.chance(0.15) ? mention(random, topic.noun) : otherTelling(random, topic, part, taken)
  return random.chance(0.25)
    ? [answer, question, ask(random, closeOther(random, topic, part, taken), part)]
    : [question, answer, other]
}

/** A telling of a close topic, one time in two with a value of its own. */
function otherTelling(random: Random, topic: Topic, part: Part, taken: Set<string>, value?: string): string {
  const other = closeOther(random, topic, part, taken)
  const same = value !== undefined && random.chance(0.5)
  return tell(random, other, same ? value : drawValue(random, other.kind, part), part)
}

const closeOther = (random: Random, topic: Topic, part: Part, taken: Set<string>): Topic =>
  freeTopic(random, () => closeTo(random, topic, part), taken)

/** A topic that no other text of the batch is about; after some tries, any. */
function freeTopic(random: Random, draw: () => Topic, taken: Set<string>): Topic {
  let topic = draw()
  for (let tries = 1; taken.has(meaningOf(topic)) && tries < TRIES; tries++) topic = draw()
  taken.add(meaningOf(topic))
  return topic
}

function eventTriple(random: Random, part: Part): Triple {
  const { question, told } = drawEvent(random, true, part)
  return [question, told, drawEvent(random, true, part).told]
}

/** A question about the world with itself in other writing: no telling answers it. */
function plainTriple(random: Random, part: Part, taken: Set<string>): Triple {
  const prompt = random.pick(plainPrompts)
  const topic = freeTopic(random, () => drawTopic(random, part), taken)
  const lead = random.pick(['hey, ', 'please: ', 'one question: ', 'can you tell me, ', ''])
  const written = `${lead}${prompt.toLowerCase().replace(/[.?!]$/, '')}`
  return [prompt, written, tell(random, topic, drawValue(random, topic.kind, part), part)]
}
