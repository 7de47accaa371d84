/** Conversations in people's own words: what they told as notes, a question, and the reply that was written for it. */
import type { Random } from '../../random.ts'
import { peopleLinesOf } from '../sentences/people-pairs.ts'
import type { PeopleLine } from '../sentences/people.ts'
import { conversation, mixed, NOTED, type Example } from './conversation.ts'
import { peopleCorrections } from './people-corrections.ts'
import type { Part } from './values.ts'

type PeopleCase = 'told' | 'corrected' | 'untold' | 'telling'

/** How often each is drawn. */
const shares: readonly (readonly [PeopleCase, number])[] = [
  ['told', 0.48],
  ['corrected', 0.17],
  ['untold', 0.28],
  ['telling', 0.07],
]

/** So many words say what they change without the sentence before. */
const SAYS_ALONE = 7

export function peopleExample(random: Random, part: Part, only?: PeopleCase): Example {
  const kind = only ?? random.pickByShare(shares)
  const { lines, near } = peopleLinesOf(part)
  const { at, line } = random.pick(answeredOf(part))
  const others = Array.from({ length: random.pick([0, 0, 1, 1, 2, 2, 3]) }, () => {
    const close = near[at]!
    return lines[close.length > 0 && random.chance(0.5) ? random.pick(close) : random.int(lines.length)]!.told
  }).filter((told) => told !== line.told)
  const noted = (notes: readonly string[], user: string, reply: string): Example => {
    const messages = conversation(random, notes, user, part)
    return { case: kind, notes, messages, reply, ends: true, values: [] }
  }
  const example = (own: readonly string[], user: string, reply: string): Example =>
    noted(mixed(random, [...new Set(others)], own), user, reply)
  if (kind === 'telling') return example([], line.told, NOTED)
  if (kind === 'corrected') {
    const { told, then, ask, reply } = random.pick(peopleCorrections(part))
    const isAlone = then.split(' ').length >= SAYS_ALONE && random.chance(0.3)
    return example(isAlone ? [then] : [told, then], ask, reply)
  }
  if (kind === 'told') {
    const which = random.int(line.asks.length)
    return example([line.told], line.asks[which]!, line.replies[which]!)
  }
  const which = random.int(line.near.length)
  const [asked, denial] = [line.near[which]!, line.denials[which]!]
  if (random.chance(0.25)) return noted([], asked, denial)
  return example(random.chance(0.6) ? [line.told] : [], asked, denial)
}

/** A line with its replies, and where it stands among all. */
interface Answered {
  readonly at: number
  readonly line: Required<PeopleLine>
}

const answered = new Map<Part, readonly Answered[]>()

function answeredOf(part: Part): readonly Answered[] {
  const known = answered.get(part)
  if (known) return known
  const made = peopleLinesOf(part).lines.flatMap(({ replies, denials, ...line }, at) =>
    replies && denials ? [{ at, line: { ...line, replies, denials } }] : [],
  )
  answered.set(part, made)
  return made
}
