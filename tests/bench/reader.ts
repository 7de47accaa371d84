/**
 * How well the bundled reader tells what answers a question, and what has taken the place of something told: on the lines of its
 * training's writers that were kept aside (trainer/data/sentences). Prints how often the right message of a subject is the surest,
 * the AUC of questions that a message answers against those that none does, and from which odds on how many of each are read.
 *   npx tsx tests/bench/reader.ts [--lines 100] [--bundle FOLDER]
 */
import { parseArgs } from 'node:util'
import { toldText } from '../../runtime/reader.ts'
import { DEFAULT_READER } from '../../server/cli.ts'
import type { TextPair } from '../../server/memory/reader.ts'
import { percent } from '../../trainer/evaluate/interval.ts'
import { peopleLines } from '../../trainer/data/sentences/people.ts'
import { changesOf, subjectLines } from '../../trainer/data/sentences/subjects.ts'
import { readPairs } from '../support/bundled-reader.ts'

const { values } = parseArgs({
  options: { lines: { type: 'string', default: '100' }, bundle: { type: 'string', default: DEFAULT_READER } },
})
const lines = Number(values.lines)
/** So many of all, from the first to the last: different writers wrote them one after the other. */
const spread = <T>(all: readonly T[]): readonly T[] =>
  all.length <= lines ? all : Array.from({ length: lines }, (_, at) => all[Math.floor((at * all.length) / lines)]!)
/** Logarithms of odds: e, e squared and e cubed to one. */
const ODDS = [1, 2, 3]

/** A question beside all messages of its subject; `at`: which one answers, null where none does. */
interface Asked {
  readonly pairs: readonly TextPair[]
  readonly at: number | null
}

const beside = (question: string, tells: readonly string[], at: number | null): Asked => ({
  pairs: tells.map((told, i) => ({ first: question, second: toldText(told, tells[i - 1] ?? '') })),
  at,
})
const subjects = spread(subjectLines('heldout'))
const sets: Readonly<Record<string, readonly Asked[]>> = {
  'three messages on a subject': subjects.flatMap(({ tells, asks, never }) => [
    ...asks.map(({ q, at }) => beside(q, tells, at)),
    ...never.map((q) => beside(q, tells, null)),
  ]),
  'one message': spread(peopleLines('heldout')).flatMap(({ told, asks, near }) => [
    ...asks.map((q) => beside(q, [told], 0)),
    ...near.map((q) => beside(q, [told], null)),
  ]),
}
/** Something told, and what was told later: what changes it, and what does not. */
const changes = subjects.flatMap((line) =>
  changesOf(line).flatMap(({ at, says }) =>
    line.tells.map((first, which) => ({ first, second: says, is: which === at })),
  ),
)
const stays = subjects.flatMap(({ tells, stays: some = [] }) =>
  some.map(({ at, says }) => ({ first: tells[at]!, second: says })),
)
/** Questions about what a change leaves true, and about what it changes: which of both messages answers. */
const rests = subjectLines('heldout').flatMap(({ tells, ...line }) =>
  changesOf({ tells, ...line }).flatMap(({ at, says, q, still = [] }) => {
    const now = toldText(says, tells[at]!)
    return still.map((rest) => ({
      told: { first: rest, second: tells[at]! },
      since: { first: rest, second: now },
      changed: { first: q, second: now },
    }))
  }),
)
const goneOn = subjects.flatMap(({ tells: [a, b, c] }) => [
  { first: a!, second: b! },
  { first: b!, second: c! },
])

const all = [
  ...Object.values(sets).flatMap((set) => set.flatMap(({ pairs }) => pairs)),
  ...changes,
  ...stays,
  ...goneOn,
  ...rests.flatMap(({ told, since, changed }) => [told, since, changed]),
]
const read = await readPairs(all, values.bundle)

function auc(right: readonly number[], wrong: readonly number[]): string {
  const wins = right.reduce((sum, a) => sum + wrong.reduce((n, b) => n + (a > b ? 1 : a === b ? 0.5 : 0), 0), 0)
  return (wins / (right.length * wrong.length)).toFixed(3)
}
const above = (odds: readonly number[], least: number): string =>
  percent(odds.filter((one) => one > least).length / odds.length)
const row = (name: string, right: readonly number[], wrong: readonly number[], first: string): void =>
  console.log(
    `| ${name} | ${right.length} / ${wrong.length} | ${first} | ${auc(right, wrong)} | ` +
      `${ODDS.map((least) => `${above(right, least)} / ${above(wrong, least)}`).join(' | ')} |`,
  )

console.log(`| | right / wrong | surest is right | AUC | ${ODDS.map((x) => `odds above e^${x}`).join(' | ')} |`)
console.log(`|---|---|---|---|${'---|'.repeat(ODDS.length)}`)
for (const [name, set] of Object.entries(sets)) {
  const odds = set.map(({ pairs, at }) => ({ at, of: pairs.map((pair) => read(pair).answers) }))
  const told = odds.filter(({ at }) => at !== null)
  const first = told.filter(({ at, of }) => of[at!] === Math.max(...of)).length / told.length
  const never = odds.filter(({ at }) => at === null).map(({ of }) => Math.max(...of))
  row(
    name,
    told.map(({ at, of }) => of[at!]!),
    never,
    percent(first),
  )
}
const replacing = (pairs: readonly TextPair[]): number[] => pairs.map((pair) => read(pair).replaces)
const replaced = replacing(changes.filter(({ is }) => is))
row('a message that changes one of three', replaced, replacing([...changes.filter(({ is }) => !is), ...goneOn]), '')
row('beside one that only looks like that', replaced, replacing(stays), '')
const answers = (pairs: readonly TextPair[]): number[] => pairs.map((pair) => read(pair).answers)
const since = answers(rests.map((one) => one.since))
const told = answers(rests.map((one) => one.told))
row(
  'what a change leaves true, by what was told first',
  told,
  since,
  percent(told.filter((odds, at) => odds > since[at]!).length / told.length),
)
row('what a change answers, against what it leaves true', answers(rests.map(({ changed }) => changed)), since, '')
