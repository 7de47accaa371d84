/** Things that happened, in open wording: who did what, where, when, with whom; each part can be asked for. */
import type { Random } from '../../random.ts'
import { people } from './topics.ts'
import { drawValue, type Kind, type Part } from './values.ts'

/** A sentence, a question for one part of it, and the answer. */
export interface Event {
  readonly told: string
  readonly question: string
  readonly reply: string
  /** What the answer needs; undefined where the sentence does not say it. */
  readonly value: string | undefined
}

type Verb = readonly [base: string, past: string, object: Kind, before: string]

const verbs: readonly Verb[] = (
  'meet met person|call called person|invite invited person|visit visited person|help helped person|marry married person|hire hired person|pick_up picked_up person|' +
  'buy bought thing a|sell sold thing a|find found thing a|repair repaired thing the|hide hid thing the|break broke thing the|borrow borrowed thing a|paint painted thing the|' +
  'win won thing a|order ordered food|cook cooked food|eat ate food|try tried food|make made food|see saw animal a|adopt adopted animal a|feed fed animal the|' +
  'study studied degree|teach taught degree|practice practiced language|learn learned language|watch watched title|read read title|finish finished title|' +
  'rent rented vehicle a|miss missed vehicle the|take took vehicle the|join joined company|leave left company|sue sued company|play played instrument the|sell sold instrument a'
)
  .split('|')
  .map((line) => {
    const [base, past, object, before = ''] = line.split(' ') as [string, string, Kind, string?]
    return [base.replace('_', ' '), past.replace('_', ' '), object, before]
  })
const heldOutVerbs: readonly Verb[] = [
  ['greet', 'greeted', 'person', ''],
  ['steal', 'stole', 'thing', 'the'],
  ['bake', 'baked', 'food', ''],
  ['rescue', 'rescued', 'animal', 'a'],
  ['review', 'reviewed', 'title', ''],
]

type Slot = 'object' | 'where' | 'when' | 'whom'
const slots: readonly Slot[] = ['object', 'where', 'when', 'whom']

const places =
  'at the station|at work|in the garden|at the market|in the kitchen|at the gym|near the river|downtown|at the airport|in the office'.split(
    '|',
  )
const times =
  'yesterday|last week|this morning|in 2019|in 2021|two days ago|last summer|tonight|on Monday evening|over the weekend'.split(
    '|',
  )

function drawSlot(random: Random, slot: Exclude<Slot, 'object'>, part: Part): string {
  if (slot === 'whom')
    return `with ${random.chance(0.5) ? drawValue(random, 'person', part) : `my ${random.pick(people)}`}`
  if (slot === 'when') {
    if (random.chance(0.5)) return random.pick(times)
    const date = drawValue(random, 'date', part)
    return `on ${date}`
  }
  return random.chance(0.5) ? random.pick(places) : `in ${drawValue(random, 'place', part)}`
}

/** My and me as the assistant says them. */
const turned = (text: string): string => text.replaceAll(/\bmy\b/g, 'your')

/** An event of which the asked part is told, or is not. */
export function drawEvent(random: Random, isTold: boolean, part: Part): Event {
  const [base, past, kind, before] = random.pick(part === 'train' ? verbs : heldOutVerbs)
  const object = `${before} ${drawValue(random, kind, part)}`.trim()
  const who = random.pick(['I', 'I', 'I', 'we', `my ${random.pick(people)}`, drawValue(random, 'person', part)])
  const you = who === 'I' || who === 'we' ? 'you' : turned(who)
  const asked: Slot = isTold ? random.pick(slots) : random.pick(['where', 'when', 'whom'] as const)
  const given = (['where', 'when', 'whom'] as const).filter((slot) => (slot === asked ? isTold : random.chance(0.4)))
  const parts = new Map(given.map((slot) => [slot, drawSlot(random, slot, part)]))
  const rest = random.shuffle([...parts.values()])
  const [first] = rest
  const front = first !== undefined && random.chance(0.2)
  const told = front
    ? `${capital(first)} ${who} ${past} ${[object, ...rest.slice(1)].join(' ')}.`
    : `${capital(who)} ${past} ${[object, ...rest].join(' ')}.`
  const word = { object: kind === 'person' ? 'Who' : 'What', where: 'Where', when: 'When', whom: 'Who' }[asked]
  const theObject = object.replace(/^a /, 'the ')
  const question =
    asked === 'object'
      ? `${word} did ${who} ${base}?`
      : `${word} did ${who} ${base} ${theObject}${asked === 'whom' ? ' with' : ''}?`
  if (!isTold)
    return {
      told,
      question,
      value: undefined,
      reply: `You have not told me ${word.toLowerCase()} ${you} ${past} ${theObject}${asked === 'whom' ? ' with' : ''}.`,
    }
  const value = asked === 'object' ? object : parts.get(asked)!
  const reply =
    asked === 'object' ? `${capital(you)} ${past} ${object}.` : `${capital(you)} ${past} ${theObject} ${turned(value)}.`
  return { told, question, reply, value: turned(value).replace(/^(?:a|the|with|in|at|on) /, '') }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
