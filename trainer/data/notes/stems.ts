/** Wordings that fit every topic, and how people write. */
import type { Random } from '../../random.ts'
import type { Stems, Topic } from './topic.ts'
import type { Part } from './values.ts'

const stems = (seen: string, unseen: string): Stems => ({ seen: seen.split('|'), unseen: unseen.split('|') })
const of = ({ seen, unseen }: Stems, part: Part): readonly string[] => (part === 'train' ? seen : unseen)

const tells = stems(
  'my {a} is {v}|{v} is my {a}|the {a} I have is {v}|my {a}: {v}|for my {a} I have {v}|I have {v} as my {a}|it is {v}, my {a}|{a} = {v}|the {a} is {v}|our {a} is {v}|use {v} for the {a}|they gave me {v} as {a}|I set the {a} to {v}|the {a}: {v}',
  'as for my {a}, that would be {v}|{v}, that is my {a}|when it comes to my {a}, it is {v}',
)
const corrections = stems(
  'actually, {t}|correction: {t}|no wait, {t}|{t} now|I changed my {a} to {v}|my {a} is {v} now, not {w}|my {a} changed from {w} to {v}|my {a} is no longer {w}, it is {v}|sorry, I was wrong: {t}|update: {t}',
  'scratch that, {t}|my new {a} is {v}|forget {w}, my {a} is {v}|{t}, I got it wrong before',
)
const asks = stems(
  "what is my {a}?|what's my {a}?|tell me my {a}|do you know my {a}?|do you remember my {a}?|what was my {a} again?|can you remind me of my {a}?|I forgot my {a}, what is it?|which {a} do I have?|what did I say my {a} was?|my {a}?|{a}?|what is the {a}?|whats the {a}|what's our {a}?|please tell me what my {a} is",
  'remind me, what is my {a}?|could you look up my {a}?|quick question: what would my {a} be?|I need my {a}',
)
const askLeads = stems(
  'hey, |so, |quick question: |do you remember: |please tell me: |ok, |by the way, |I forgot. |hi! ',
  'one thing: |I wonder, |help me out: ',
)
const tellLeads = stems(
  'by the way, |just so you know, |oh, and |fyi, |btw |hi! |so |well, |for the record, |please remember that |remember: |hey, |I should mention that |today I learned that |don’t forget: ',
  'heads up: |one more thing, |note to self: ',
)
const tails = stems(
  ', thanks|, in case you need it| :)|, haha|, keep that in mind|, I think| and I am happy about it',
  ', just saying|, so there you go',
)

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

const filled = (stem: string, { noun }: Topic, value: string): string =>
  stem.replace('{a}', noun).replaceAll('{v}', value)

/** A telling of a value without its dot. */
export function statement(random: Random, topic: Topic, value: string, part: Part): string {
  const own = of(topic.tells, part)
  return filled(random.pick(own.length > 0 && random.chance(topic.own) ? own : of(tells, part)), topic, value)
}

/** How it is written: capital letters, dots and apostrophes, or some of them left out. */
function written(random: Random, text: string, end: string): string {
  if (random.chance(0.12))
    return text
      .replace(/^I'm/, 'im')
      .replace(/^I /, 'i ')
      .replace(/n't/g, 'nt')
      .replace(/what's/g, 'whats')
  const capitals = random.chance(0.85) ? capital(text) : text
  return `${capitals}${random.chance(0.9) ? end : ''}`
}

/** What a user says to tell a value; `and` is told in the same sentence. */
export function tell(
  random: Random,
  topic: Topic,
  value: string,
  part: Part,
  and?: { topic: Topic; value: string },
): string {
  const first = statement(random, topic, value, part)
  const said = and ? `${first} and ${statement(random, and.topic, and.value, part)}` : first
  const lead = random.chance(0.25) ? random.pick(of(tellLeads, part)) : ''
  const tail = random.chance(0.1) ? random.pick(of(tails, part)) : ''
  return written(random, `${lead}${said}${tail}`, random.chance(0.1) ? '!' : '.')
}

/** What a user says to tell another value than `before`. */
export function correct(random: Random, topic: Topic, value: string, before: string, part: Part): string {
  if (random.chance(0.25)) return tell(random, topic, value, part)
  const stem = random.pick(of(corrections, part))
  const said = stem.replace('{t}', () => statement(random, topic, value, part)).replaceAll('{w}', before)
  return written(random, filled(said, topic, value), '.')
}

/** What a user says to ask for a value. */
export function ask(random: Random, topic: Topic, part: Part): string {
  const own = of(topic.asks, part)
  const stem = random.pick(own.length > 0 && random.chance(topic.own) ? own : of(asks, part)).replace('{a}', topic.noun)
  const lead = random.chance(0.15) ? random.pick(of(askLeads, part)) : ''
  const rest = lead === '' || /^I\b/.test(stem) ? stem : stem.charAt(0).toLowerCase() + stem.slice(1)
  const question = `${lead}${rest}`
  if (random.chance(0.12)) return question.replace(/\?$/, '').toLowerCase()
  return random.chance(0.9) ? capital(question) : question
}

/** What a user says to ask whether a value is the one. */
export const askWhether = (random: Random, { noun }: Topic, value: string): string =>
  random.pick([`Is my ${noun} ${value}?`, `Is ${value} my ${noun}?`, `My ${noun} is ${value}, right?`])

export const answer = ({ says }: Topic, value: string): string => says.replace('{v}', value)
export const untold = (topic: Topic): string => `You have not told me ${topic.untold}.`
