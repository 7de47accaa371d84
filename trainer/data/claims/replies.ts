/** What an assistant says of a topic: sentences that give it a value, and those that say it was not told. */
import type { Random } from '../../random.ts'
import { answer, statement } from '../notes/stems.ts'
import type { Topic } from '../notes/topic.ts'
import type { Part } from '../notes/values.ts'

const both = (seen: string, unseen: string): Readonly<Record<Part, readonly string[]>> => ({
  train: seen.split('|'),
  heldout: unseen.split('|'),
})

const leads = both(
  'You told me that |You said that |As far as I know, |According to my notes, |Sure! |Sure, |Of course, |Yes, |I believe |I think |If I remember correctly, |From what you told me, |Okay, |I will remember that |Got it, |Noted: |Right, |Well, |My notes say that |It seems that |Of course! |As you said, |You once told me that ',
  'Let me see: |Based on our conversation, |You mentioned that |I recall that |No problem, |Absolutely, |As you mentioned, ',
)
const shapes = both(
  'Your {a} is {v}.|{v} is your {a}.|The {a} is {v}.|The {a} you told me is {v}.|Your {a}: {v}|It is {v}, your {a}.|Your {a} would be {v}.|For your {a} you have {v}.|You have {v} as your {a}.|You gave {v} as your {a}.|The {a} you have is {v}.|Here it is: {v}.|Your {a} is {v} now.',
  'That is {v}, your {a}.|I have {v} down as your {a}.|When it comes to your {a}, it is {v}.|You named {v} as your {a}.',
)
const elliptic = both(
  "{v}.|{v}|It's {v}.|It is {v}.|That would be {v}.|That is {v}.|{v}, as you told me.|{v}!|It was {v}.|Here it is: {v}.",
  "I believe it's {v}.|{v}, if I am not mistaken.|They are {v}.",
)
const denials = both(
  "You have not told me {u}.|I don't know {u}.|You haven't told me {u}.|I do not know {u} yet.|You never told me {u}.|I'm not sure {u}.|Sorry, I don't remember {u}.|I don't have {n}.|I have no record of {n}.|Sorry, I don't have any information about {n}.|I can't recall {u}.|I don't know that yet.|You have not told me that.|You didn't tell me {u}.|I was not told {n}.",
  'You never mentioned {u}.|I have no idea {u}.|You did not say {u}.|You never shared {n} with me.|I am not aware of {n}.|You did not mention {n}.',
)

/** What a user says of themselves, said to them. */
export function toUser(text: string): string {
  const turned = text.replaceAll(/\b(?:I'm|I am|I was|I've|I'd|I'll|I|my|mine|me|we're|we|our|us|im)\b/giu, (word) => {
    return TURNED[word.toLowerCase()] ?? word
  })
  return `${turned.charAt(0).toUpperCase()}${turned.slice(1)}`
}

const TURNED: Readonly<Record<string, string>> = {
  "i'm": "you're",
  im: "you're",
  'i am': 'you are',
  'i was': 'you were',
  "i've": "you've",
  "i'd": "you'd",
  "i'll": "you'll",
  i: 'you',
  my: 'your',
  mine: 'yours',
  me: 'you',
  we: 'you',
  "we're": "you're",
  our: 'your',
  us: 'you',
}

const lower = (text: string): string =>
  /^(?:I\b|[A-Z]{2})/u.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1)

/** The sentence, some of the time after words that lead to it. */
export function led(random: Random, sentence: string, part: Part, share = 0.35): string {
  if (!random.chance(share)) return sentence
  return `${random.pick(leads[part])}${/^(?:You|The|It|Your)\b/u.test(sentence) ? lower(sentence) : sentence}`
}

/** A sentence that gives the topic this value. */
export function saying(random: Random, topic: Topic, value: string, part: Part): string {
  const kind = random.uniform()
  if (kind < 0.15) return random.pick(elliptic[part]).replace('{v}', () => value)
  const own = (): string => {
    if (kind < 0.5) return answer(topic, value)
    if (kind < 0.75) return `${toUser(statement(random, topic, value, part))}.`
    return random
      .pick(shapes[part])
      .replace('{a}', topic.noun)
      .replace('{v}', () => value)
  }
  return led(random, own(), part)
}

/** A sentence that says the topic was not told. */
export function denying(random: Random, { noun, untold }: Topic, part: Part): string {
  return random.pick(denials[part]).replace('{u}', untold).replace('{n}', `your ${noun}`)
}

const VERBS =
  'live|work|drive|have|play|like|love|take|speak|drink|eat|pay|own|weigh|study|use|need|sleep|keep|go|wear|run|save|wake|get|read|commute|support|teach|park|sing|collect'
const NEGATIONS: readonly (readonly [RegExp, string])[] = [
  [/^You're\b/u, "You're not"],
  [/^You (are|were|will|can)\b/u, 'You $1 not'],
  [new RegExp(`^You (${VERBS})\\b`, 'u'), "You don't $1"],
  [new RegExp(`^You (${VERBS})\\b`, 'u'), 'You do not $1'],
  [/^(Your .*?) is\b/u, '$1 is not'],
  [/^(Your .*?) is\b/u, "$1 isn't"],
]

/** A sentence that denies the value of a topic. */
export function negated(random: Random, topic: Topic, value: string, part: Part): string {
  const said = random.chance(0.5) ? answer(topic, value) : `${toUser(statement(random, topic, value, part))}.`
  const [form, put] = random.pick(NEGATIONS.filter(([pattern]) => pattern.test(said)).concat([[/^.*$/u, '']]))
  const sentence = put === '' ? `Your ${topic.noun} is not ${value}.` : said.replace(form, put)
  return random.chance(0.25) ? `No, ${lower(sentence)}` : sentence
}

const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/\bfavorite\b/giu, 'favourite'],
  [/\bcolor\b/giu, 'colour'],
  [/\bneighbor\b/giu, 'neighbour'],
  [/\bmom\b/gu, 'mum'],
  [/\bmother\b/gu, 'mum'],
  [/\bfather\b/gu, 'dad'],
]

/** The text in another spelling, some of the time. */
export function respelled(random: Random, text: string): string {
  if (!random.chance(0.3)) return text
  return SPELLINGS.reduce((all, [word, other]) => all.replace(word, other), text)
}
