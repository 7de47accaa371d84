/** Small talk for keeper chats: a grammar over the word lists, some of it dressed up as facts about somebody else. */
import type { Random } from '../../random.ts'
import { attributes } from './attributes.ts'
import { drawValue } from './values.ts'
import * as words from './words.ts'

/** What the user says and the short reply. */
export interface SmallTalk {
  readonly user: string
  readonly reply: string
}

/** One exchange of small talk; nothing in it is a fact about the user. */
export function smallTalk(random: Random): SmallTalk {
  const share = random.uniform()
  if (share < 0.06) return pair(random, random.pick(manners))
  if (share < 0.26) return distractor(random)
  const [user, ...answers] = random.pick(templates)
  const opening = random.chance(0.3) ? random.pick(openings) : ''
  const closing = random.chance(0.15) ? random.pick(closings) : ''
  const used: Record<string, string> = {}
  const said = fill(random, user, used)
  return { user: joined(opening, said) + closing, reply: fill(random, random.pick(answers), used) }
}

/** A greeting, for the beginning of a chat. */
export function greeting(random: Random): SmallTalk {
  return pair(random, random.pick(manners.slice(0, 4)))
}

type Template = readonly [user: string, ...replies: string[]]

const openings = [
  'You know,',
  'Well,',
  'Honestly,',
  'Guess what:',
  'I think',
  'So,',
  'Today',
  'Yesterday',
  'This morning',
  'Anyway,',
  'Hmm,',
  'To be honest,',
]
const closings = [' What do you think?', ' Funny, right?', ' Never mind.', ' That is all.', ' Nice, no?']

const manners: readonly Template[] = [
  ['Hello!', 'Hello!'],
  ['Hi there.', 'Hello!'],
  ['Good morning.', 'Good morning!'],
  ['Hey, how are you?', 'I am well, thank you.'],
  ['Thanks!', 'You are welcome.'],
  ['Thank you very much.', 'You are welcome.'],
  ['Who are you?', 'I am a small model that remembers what you tell me.'],
  ['What can you do?', 'I remember what you tell me.'],
  ['Okay.', 'Okay.'],
  ['Good.', 'Good.'],
]

const templates: readonly Template[] = [
  ['I saw a {adjective} {animal} near the {spot}.', 'A {animal}, how nice.', 'I would like to see that.'],
  ['there was a {adjective} {thing} on the {spot} stairs.', 'How odd.'],
  ['the {spot} was very {adjective}.', 'I see.', 'That happens.'],
  ['the {spot} is closed on {weekday}.', 'Good to know.'],
  ['it rained all {weekday}.', 'I hope it gets better.'],
  ['the weather is {adjective} today.', 'I see.'],
  ['we had {flavor} {food} at the {spot}.', 'That sounds tasty.'],
  ['the {food} tasted {adjective}.', 'I see.'],
  ['I read a book about a {adjective} {animal}.', 'Was it a good book?'],
  ['I watched a film about a {thing} and a {animal}.', 'Was it a good film?'],
  ['I went {activity} with {person}.', 'That sounds like fun.'],
  ['{person} likes {activity}.', 'That sounds like fun.'],
  ['I tried {activity} for {small} hours.', 'That is a long time.'],
  ['{person} bought a {adjective} {thing}.', 'A {thing}, I see.'],
  ['somebody painted the {spot} {color}.', 'I like {color}.'],
  ['I cannot find the {thing}.', 'Maybe it is in the kitchen.'],
  ['the {thing} fell off the {thing}.', 'Oh no.'],
  ['a {animal} ate the {food}.', 'Oh no.'],
  ['there are {number} steps up to the {spot}.', 'That is a lot.'],
  ['I counted {number} {animal} tracks.', 'That is a lot.'],
  ['the book has {number} pages.', 'That is a lot.'],
  ['the {thing} costs {number} coins.', 'That is a lot.'],
  ['they sold {number} tickets at the {spot}.', 'That is a lot.'],
  ['the bus to the {spot} was late again.', 'That is annoying.'],
  ['the train to {place} was full.', 'That is annoying.'],
  ['there is a new {spot} in {place}.', 'Good to know.'],
  ['{person} moved the {thing} to the {spot}.', 'I see.'],
  ['can you say something about {animal}s?', 'Some are small, some are big.'],
  ['do you like {food}?', 'I do not eat, but it sounds good.'],
  ['do you like {activity}?', 'I cannot do it, but it sounds good.'],
  ['is {food} better than {food}?', 'That is up to you.'],
  ['is {color} nicer than {color}?', 'That is up to you.'],
  ['should I go to the {spot} or the {spot}?', 'That is up to you.'],
  ['should I wear the {adjective} {thing}?', 'That is up to you.'],
  ['tell me a joke about a {animal}.', 'A {animal} walks into a bakery.'],
  ['tell me a story.', 'Once a fox found a golden coin.'],
  ['say something nice.', 'You are kind.'],
  ['I am tired of {activity}.', 'Then take a break.'],
  ['I am bored.', 'How about reading?', 'How about chess?'],
  ['what should I do on {weekday}?', 'How about swimming?', 'How about hiking?'],
  ['what should I cook?', 'How about ginger soup?', 'How about lemon cake?'],
  ['the {animal} in the {spot} is {adjective}.', 'I see.'],
  ['children were playing with a {thing}.', 'That sounds like fun.'],
  ['the market sells {flavor} {food} on {weekday}.', 'That sounds tasty.'],
  ['a {adjective} wind blew over the {spot}.', 'I hope it gets better.'],
  ['{person} sang about {place}.', 'Was it a good song?'],
  ['{person} and {person} met at the {spot}.', 'I see.'],
  ['the {spot} in {place} has a {color} roof.', 'I like {color}.'],
  ['nobody was at the {spot}.', 'How odd.'],
  ['I dreamed of a {color} {animal}.', 'How odd.'],
  ['the old {thing} still works.', 'Good to know.'],
  ['we need more {food} and {food}.', 'I see.'],
  ['I fixed the {adjective} {thing}.', 'Well done.'],
  ['I cleaned the {spot}.', 'Well done.'],
  ['I finished the {thing} for the {spot}.', 'Well done.'],
  ['we walked from the {spot} to the {spot}.', 'That is a long walk.'],
  ['we drove {small} hours to {place}.', 'That is a long time.'],
  ['{weekday} was {adjective} and {adjective}.', 'I see.'],
  ['how many {animal}s live in the {spot}?', 'I cannot count them.'],
  ['what is a {thing} good for?', 'For many things.'],
]

/** Facts that are not about the user, and numbers that mean nothing later. */
function distractor(random: Random): SmallTalk {
  const attribute = random.pick(attributes)
  const value = drawValue(random, attribute.kind, 'train')
  const owner = random.pick(['{person}', 'the {spot}', 'the {animal}', 'the other guest', 'the mayor', 'that actor'])
  const phrase = attribute.phrase.split("'s ").at(-1) as string
  const shape = random.pick([
    `${owner} said their ${phrase} is ${value}.`,
    `In the film, the hero's ${phrase} is ${value}.`,
    `I heard that ${owner} has ${value} as ${phrase}.`,
    `Somebody wrote ${value} on the {thing}.`,
    `The sign at the {spot} says ${value}.`,
  ])
  return { user: joined('', fill(random, shape, {})), reply: random.pick(['I see.', 'Okay.', 'Interesting.']) }
}

function pair(random: Random, [user, ...answers]: Template): SmallTalk {
  return { user, reply: random.pick(answers) }
}

/** A sentence after an opening, or by itself with a capital. */
function joined(opening: string, sentence: string): string {
  if (opening !== '') return `${opening} ${sentence}`
  return sentence.charAt(0).toUpperCase() + sentence.slice(1)
}

const slots: Record<string, (random: Random) => string> = {
  adjective: (random) => random.pick(words.adjectives),
  thing: (random) => random.pick(words.things),
  animal: (random) => random.pick(words.animals),
  food: (random) => random.pick(words.foods),
  flavor: (random) => random.pick(words.flavors),
  color: (random) => random.pick(words.colors),
  spot: (random) => random.pick(words.spots),
  activity: (random) => random.pick(words.activities),
  weekday: (random) => random.pick(words.weekdays),
  person: (random) => drawValue(random, 'person', 'train'),
  place: (random) => drawValue(random, 'place', 'train'),
  number: (random) => drawValue(random, 'number', 'train'),
  small: (random) => String(random.between(2, 9)),
}

/** Fills the slots; one that is in `used` is said again, so that a reply speaks of what the user spoke of. */
function fill(random: Random, template: string, used: Record<string, string>): string {
  const known = { ...used }
  return template.replace(/\{(\w+)\}/g, (_, slot: string) => {
    const maker = slots[slot]
    if (maker === undefined) throw new RangeError(`filler: unknown slot {${slot}}`)
    const word = known[slot] ?? maker(random)
    used[slot] ??= word
    return word
  })
}
