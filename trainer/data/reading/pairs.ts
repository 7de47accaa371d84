/**
 * Pairs of texts for a reader: a question beside what somebody told, which answers it or does not, and something told beside
 * what was told later, which has taken its place or has not. All are people's own words.
 */
import { toldText, type ReaderLabel } from '../../../runtime/reader.ts'
import type { Random } from '../../random.ts'
import type { Part } from '../notes/values.ts'
import { tellingsOf } from '../sentences/people-pairs.ts'
import { subjectLines } from '../sentences/subjects.ts'
import type { Telling } from '../sentences/tellings.ts'

export interface Pair {
  readonly first: string
  readonly second: string
  readonly label: ReaderLabel
}

/** How many of the pairs have a question. */
const ASKED = 0.7
/** How many of these ask what the telling nearly answers; of the others how many it answers. */
const [NEARLY, ANSWERED] = [0.4, 0.6]
/** Of what does not answer, how much is near to what does. */
const NEAR = 0.8
/** Of later messages, how many replace the one beside them, do not replace another one of the subject, or are no change. */
const [REPLACES, OF_SUBJECT, NO_CHANGE] = [0.45, 0.2, 0.2]
/** How often what was told just before stands beside a message. */
const IN_CONTEXT = 0.6

export const drawPair = (random: Random, part: Part): Pair =>
  random.chance(ASKED) ? askedPair(random, part) : laterPair(random, part)

function askedPair(random: Random, part: Part): Pair {
  const { lines, near } = tellingsOf(part)
  const at = random.int(lines.length)
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

function laterPair(random: Random, part: Part): Pair {
  const subject = random.pick(subjectLines(part))
  const { tells, change } = subject
  const kind = random.uniform()
  if (kind < REPLACES) return { first: tells[change.at]!, second: change.says, label: 'replaces' }
  if (kind < REPLACES + OF_SUBJECT) {
    const other = random.pick(tells.filter((_, at) => at !== change.at))
    return { first: other, second: change.says, label: 'replaces not' }
  }
  if (kind < REPLACES + OF_SUBJECT + NO_CHANGE) {
    const at = random.int(tells.length - 1)
    return { first: tells[at]!, second: random.pick(tells.slice(at + 1)), label: 'replaces not' }
  }
  const { lines, near } = tellingsOf(part)
  const at = lines.findIndex(({ told }) => told === tells[change.at])
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
