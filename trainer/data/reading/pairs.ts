/**
 * Pairs of texts for a reader: a question beside what somebody told, which answers it or does not, and something told beside
 * what was told later, which has taken its place or has not. All are people's own words.
 */
import { toldText, type ReaderLabel } from '../../../runtime/reader.ts'
import type { Random } from '../../random.ts'
import { byPart } from '../by-part.ts'
import type { Part } from '../notes/values.ts'
import { tellingsOf } from '../sentences/people-pairs.ts'
import { asksAt, changesOf, subjectLines } from '../sentences/subjects.ts'
import type { Telling } from '../sentences/tellings.ts'
import { swapsOf, withSwap } from './swapped.ts'

export interface Pair {
  readonly first: string
  readonly second: string
  readonly label: ReaderLabel
}

/** How many of the pairs have a question. */
const ASKED = 0.7
/** How many of these have one word swapped, so that question and message fit no more. */
const SWAPPED = 0.06
/** How many of the others are surely of a message that was told alone: among all messages those are few. */
const ALONE = 0.4
/** How many of these ask what the message nearly answers; of the others how many it answers. */
const [NEARLY, ANSWERED] = [0.4, 0.6]
/** Of what does not answer, how much is near to what does. */
const NEAR = 0.8
/** How many of the questions are about what was changed, and how many of these its change answers; and how many are about what it leaves true. */
const [OF_CHANGE, BY_CHANGE, OF_REST] = [0.12, 0.7, 0.06]
/** Of later messages, how many replace the one beside them, only look like that, replace another one of the subject, or are no change. */
const [REPLACES, STAYS, OF_SUBJECT, NO_CHANGE] = [0.42, 0.2, 0.14, 0.1]
/** How often what was told just before stands beside a message. */
const IN_CONTEXT = 0.6

export function drawPair(random: Random, part: Part): Pair {
  if (!random.chance(ASKED)) return laterPair(random, part)
  if (random.chance(OF_REST)) return restPair(random, part)
  return random.chance(OF_CHANGE) ? changedPair(random, part) : askedPair(random, part)
}

function askedPair(random: Random, part: Part): Pair {
  const { lines, near } = tellingsOf(part)
  const { alone, swaps } = placesOf(part)
  if (random.chance(SWAPPED)) return swappedPair(random, lines[random.pick(swaps)]!)
  const at = random.chance(ALONE) ? random.pick(alone) : random.int(lines.length)
  const telling = lines[at]!
  const pair = (question: string, told: Telling, label: ReaderLabel): Pair => {
    const before = random.chance(IN_CONTEXT) ? told.before : ''
    return { first: question, second: toldText(told.told, before), label }
  }
  if (telling.near.length > 0 && random.chance(NEARLY)) return pair(random.pick(telling.near), telling, 'answers not')
  const question = random.pick(telling.asks)
  if (random.chance(ANSWERED)) return pair(question, telling, 'answers')
  return pair(question, otherThan(random, lines, at, near[at]!), 'answers not')
}

interface Places {
  /** Which tellings were told alone. */
  readonly alone: readonly number[]
  /** Which have a question in which a word can be swapped. */
  readonly swaps: readonly number[]
}

const placesOf = byPart((part): Places => {
  const lines = [...tellingsOf(part).lines.entries()]
  const those = (is: (telling: Telling) => boolean): number[] => lines.flatMap(([at, one]) => (is(one) ? at : []))
  return {
    alone: those(({ beside }) => beside.length === 0),
    swaps: those(({ asks, told, beside }) => asks.some((q) => swapsOf(q, told, beside).length > 0)),
  }
})

/** "When is my father's birthday?" beside that of a mother; in the question or in what was told. */
function swappedPair(random: Random, { asks, told, beside }: Telling): Pair {
  const question = random.pick(asks.filter((one) => swapsOf(one, told, beside).length > 0))
  const swap = random.pick(swapsOf(question, told, beside))
  const isInQuestion = random.chance(0.5)
  return {
    first: isInQuestion ? withSwap(question, swap) : question,
    second: isInQuestion ? told : withSwap(told, swap),
    label: 'answers not',
  }
}

/** A question beside what was told later than its first answer: what changes it, or what leaves it true. */
function changedPair(random: Random, part: Part): Pair {
  const subject = random.pick(subjectLines(part))
  const { tells, stays = [] } = subject
  if (stays.length > 0 && !random.chance(BY_CHANGE)) {
    const stay = random.pick(stays)
    const asks = asksAt(subject, stay.at)
    if (asks.length > 0)
      return { first: random.pick(asks), second: toldText(stay.says, tells[stay.at]!), label: 'answers not' }
  }
  const { at, says, q } = random.pick(changesOf(subject))
  return { first: q, second: toldText(says, tells[at]!), label: 'answers' }
}

/** A question about the rest of what was changed: what was told first still answers it, and its change does not. */
function restPair(random: Random, part: Part): Pair {
  const { told, says, still } = random.pick(restsOf(part))
  return { first: random.pick(still), second: toldText(says, told), label: 'answers not' }
}

interface Rest {
  readonly told: string
  readonly says: string
  readonly still: readonly string[]
}

/** The changes that leave something of a message true. */
const restsOf = byPart((part): readonly Rest[] =>
  subjectLines(part).flatMap((line) =>
    changesOf(line).flatMap(({ at, says, still }) => (still ? [{ told: line.tells[at]!, says, still }] : [])),
  ),
)

function laterPair(random: Random, part: Part): Pair {
  const subject = random.pick(subjectLines(part))
  const { tells, stays = [] } = subject
  const change = random.pick(changesOf(subject))
  const told = tells[change.at]!
  let kind = random.uniform()
  if (kind < REPLACES) return { first: told, second: change.says, label: 'replaces' }
  if ((kind -= REPLACES) < STAYS && stays.length > 0) {
    const { at, says } = random.pick(stays)
    return { first: tells[at]!, second: says, label: 'replaces not' }
  }
  if ((kind -= STAYS) < OF_SUBJECT) {
    const other = random.pick(tells.filter((_, at) => at !== change.at))
    return { first: other, second: change.says, label: 'replaces not' }
  }
  if (kind - OF_SUBJECT < NO_CHANGE) {
    const at = random.int(tells.length - 1)
    return { first: tells[at]!, second: random.pick(tells.slice(at + 1)), label: 'replaces not' }
  }
  const { lines, near } = tellingsOf(part)
  const at = lines.findIndex((line) => line.told === told)
  return { first: otherThan(random, lines, at, near[at]!).told, second: change.says, label: 'replaces not' }
}

/** Another telling, of another subject: one of those `near` to it, or any. */
function otherThan(random: Random, lines: readonly Telling[], at: number, near: readonly number[]): Telling {
  const isOther = (other: number): boolean => lines[other]!.texts[0] !== lines[at]!.texts[0]
  const others = near.filter(isOther)
  if (others.length > 0 && random.chance(NEAR)) return lines[random.pick(others)]!
  for (;;) {
    const other = random.int(lines.length)
    if (isOther(other)) return lines[other]!
  }
}
