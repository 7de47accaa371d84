/** Draws what a conversation is about: a topic, a value of it, and other facts that stand beside it. */
import type { Random } from '../../random.ts'
import { unrelated } from './irrelevant.ts'
import { sayings } from './sayings.ts'
import { tell } from './stems.ts'
import { meaningOf, type Topic } from './topic.ts'
import { openTopic, ownTopics, relatedTopics, thingTopics, topics } from './topics.ts'
import { drawValue, type Part } from './values.ts'

export interface Fact {
  readonly topic: Topic
  readonly value: string
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

export const drawFact = (random: Random, topic: Topic, part: Part): Fact => ({
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
export function distractors(random: Random, about: Topic, count: number, part: Part): Fact[] {
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

export function notesOf(random: Random, others: readonly Fact[], part: Part): string[] {
  return others.map((fact) => (random.chance(0.12) ? unrelated(random) : tell(random, fact.topic, fact.value, part)))
}
