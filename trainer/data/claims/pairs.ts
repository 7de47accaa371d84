/** Claims by kinds of faults: wordings, words and shapes of values of the held-out part are never seen in training. */
import type { Random } from '../../random.ts'
import { drawEvent } from '../notes/events.ts'
import { closeTo, drawTopic } from '../notes/draw-fact.ts'
import { mention, unrelated } from '../notes/irrelevant.ts'
import type { PlainReply } from '../notes/replies.ts'
import { ask, askWhether, correct, tell } from '../notes/stems.ts'
import { meaningOf, type Topic } from '../notes/topic.ts'
import { drawValue, type Part } from '../notes/values.ts'
import type { VerdictLabel } from '../../../runtime/critic.ts'
import type { Claim } from './claim.ts'
import { polarClaim } from './polar.ts'
import { quantities, type Quantity } from './quantities.ts'
import { measured } from './measures.ts'
import { denying, led, negated, respelled, saying } from './replies.ts'
import { otherValue, rewritten } from './values.ts'

/** How often each kind is drawn. */
const SHARES: readonly (readonly [string, number])[] = [
  ['repeat', 0.16],
  ['swapped', 0.16],
  ['corrected', 0.08],
  ['denied', 0.08],
  ['other topic', 0.15],
  ['whether', 0.03],
  ['polar', 0.12],
  ['event', 0.05],
  ['plain', 0.08],
  ['negated', 0.05],
  ['measured', 0.04],
]

/** A topic with a value, and how it is asked and told. */
interface Fact {
  readonly topic: Topic
  readonly value: string
  readonly another: string
}

/** A source of claims; `replies` are those to questions about the world. */
export function claimSource(replies: readonly PlainReply[], part: Part): (random: Random) => Claim {
  return (random) => {
    const claim = drawClaim(random, replies, part)
    const spelled = {
      ...claim,
      evidence: respelled(random, claim.evidence),
      sentence: respelled(random, claim.sentence),
    }
    return random.chance(0.12) ? { ...spelled, question: '' } : spelled
  }
}

function drawClaim(random: Random, replies: readonly PlainReply[], part: Part): Claim {
  const kind = random.pickByShare(SHARES)
  if (kind === 'polar') return polarClaim(random, part)
  if (kind === 'event') return eventClaim(random, part)
  if (kind === 'measured') return measured(random)
  const fact = drawFact(random, part)
  if (kind === 'plain') return plainClaim(random, fact, replies, part)
  if (kind === 'corrected') return correctedClaim(random, fact, part)
  if (kind === 'other topic') return otherTopic(random, fact, part)
  const { topic, value, another } = fact
  const evidence = tell(random, topic, random.chance(0.25) ? rewritten(random, value) : value, part)
  const question = ask(random, topic, part)
  if (kind === 'negated')
    return { kind, evidence, question, sentence: negated(random, topic, value, part), label: 'contradicted' }
  if (kind === 'denied')
    return { kind, evidence, question, sentence: denying(random, topic, part), label: 'contradicted' }
  if (kind === 'whether') return whetherClaim(random, fact, evidence, part)
  if (kind === 'swapped')
    return {
      kind,
      evidence,
      question,
      sentence: saying(random, topic, random.chance(0.3) ? rewritten(random, another) : another, part),
      label: 'contradicted',
    }
  const said = random.chance(0.35) ? rewritten(random, value) : value
  return {
    kind: said === value ? kind : 'rewritten',
    evidence,
    question,
    sentence: saying(random, topic, said, part),
    label: 'supported',
  }
}

function drawFact(random: Random, part: Part): Fact {
  if (random.chance(0.25)) {
    const topic: Quantity = random.pick(quantities)
    const draw = (): string => topic.draw?.(random) ?? drawValue(random, topic.kind, part)
    const value = draw()
    const fresh = draw()
    const isFresh = topic.draw !== undefined && fresh !== value
    return { topic, value, another: isFresh ? fresh : otherValue(random, topic.kind, value, part) }
  }
  const topic = drawTopic(random, part)
  const value = drawValue(random, topic.kind, part)
  return { topic, value, another: otherValue(random, topic.kind, value, part) }
}

/** "My code is 5520 now, not 4071": what holds, what held before, or neither. */
function correctedClaim(random: Random, { topic, value, another }: Fact, part: Part): Claim {
  const evidence = correct(random, topic, value, another, part)
  const question = ask(random, topic, part)
  const claim = (sentence: string, label: VerdictLabel): Claim => ({
    kind: 'corrected',
    evidence,
    question,
    sentence,
    label,
  })
  const drawn = random.uniform()
  if (drawn < 0.42) return claim(saying(random, topic, value, part), 'supported')
  if (drawn < 0.9) return claim(saying(random, topic, another, part), 'contradicted')
  const [now, before] = random.chance(0.5) ? [value, another] : [another, value]
  const sentence = random
    .pick([
      'Your {a} was {w}, but now it is {v}.',
      'Your {a} is no longer {w}, it is {v}.',
      'Your {a} changed from {w} to {v}.',
    ])
    .replace('{a}', topic.noun)
    .replace('{w}', () => before)
    .replace('{v}', () => now)
  return claim(sentence, now === value ? 'supported' : 'contradicted')
}

/** Evidence about something else, close to what is said, often with the same value. */
function otherTopic(random: Random, { topic, value, another }: Fact, part: Part): Claim {
  const other = closeTo(random, topic, part)
  const isSame = meaningOf(other) === meaningOf(topic)
  const told = random.chance(0.4) ? value : another
  const evidence =
    isSame || random.chance(0.2)
      ? random.pick([mention(random, topic.noun), unrelated(random)])
      : tell(random, other, told, part)
  const sentence = random.chance(0.3) ? denying(random, topic, part) : saying(random, topic, value, part)
  return { kind: 'other topic', evidence, question: ask(random, topic, part), sentence, label: 'unchecked' }
}

function whetherClaim(random: Random, { topic, value, another }: Fact, evidence: string, part: Part): Claim {
  const asked = random.chance(0.5) ? value : another
  const says = random.chance(0.5)
  const long = says ? `Yes, ${saying(random, topic, asked, part)}` : `No, your ${topic.noun} is not ${asked}.`
  const short = says
    ? random.pick(['Yes.', "Yes, that's right.", 'Yes, it is.'])
    : random.pick(['No.', "No, it isn't.", 'No, it is not.'])
  const label = (asked === value) === says ? 'supported' : 'contradicted'
  return {
    kind: 'whether',
    evidence,
    question: askWhether(random, topic, asked),
    sentence: random.chance(0.5) ? long : short,
    label,
  }
}

/** Something that happened: what is said of it, with the part that was asked for as it was told, or another. */
function eventClaim(random: Random, part: Part): Claim {
  const { told: evidence, question, reply, value } = drawEvent(random, true, part)
  const drawn = random.uniform()
  if (drawn < 0.4 || value === undefined)
    return { kind: 'event', evidence, question, sentence: led(random, reply, part), label: 'supported' }
  if (drawn < 0.75) {
    const other = anotherValue(random, question, value, part)
    return {
      kind: 'event',
      evidence,
      question,
      sentence: led(
        random,
        reply.replace(value, () => other),
        part,
      ),
      label: 'contradicted',
    }
  }
  const { told, question: askedFor, reply: said } = drawEvent(random, true, part)
  if (told === evidence) return { kind: 'event', evidence, question, sentence: reply, label: 'supported' }
  return { kind: 'other topic', evidence, question: askedFor, sentence: said, label: 'unchecked' }
}

/** A value that answers a question of the same kind. */
function anotherValue(random: Random, question: string, value: string, part: Part): string {
  const [word] = question.split(' ')
  for (;;) {
    const { question: other, value: drawn } = drawEvent(random, true, part)
    if (other.startsWith(word!) && drawn !== undefined && drawn !== value) return drawn
  }
}

const ABOUT =
  '{v} sounds lovely!|Many people like {v}.|There are many kinds of {v}.|I can tell you more about {v}.|{v} is a nice word.|{v} is known in many places.|That sounds interesting.|I hope it goes well.|Let me know if I can help with your {a}.|Would you like to talk about your {a}?|How is your {a}?|Some people write about {v}.|{v} comes up in many books.|I have heard of {v} before.|Thank you for telling me.|I will remember that.|Have a nice day!|You can do this.|You can ask me anything.|I only remember what you tell me.|{v} is an interesting topic.|It depends on what you like.'.split(
    '|',
  )

/** Small talk and the world: nothing that evidence about the user decides. */
function plainClaim(random: Random, { topic, value }: Fact, replies: readonly PlainReply[], part: Part): Claim {
  const evidence = tell(random, topic, value, part)
  const { prompt, reply } = random.pick(replies)
  const about = random.chance(0.45)
  const sentence = about
    ? random
        .pick(ABOUT)
        .replace('{v}', () => value)
        .replace('{a}', topic.noun)
    : (/^.{8,200}?[.!?](?=\s|$)/u.exec(reply)?.[0] ?? reply.slice(0, 120))
  return { kind: 'plain', evidence, question: about ? `What is ${value}?` : prompt, sentence, label: 'unchecked' }
}
