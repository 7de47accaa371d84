/**
 * Fits the weights by which a sentence of the user is an answer to a question (server/memory/recall/weights.ts): logistic
 * regression over people's words, those that rules may be written for. Prints how well it does on questions that it was not
 * fitted to (five parts), beside the share of words that was used before.
 *   npx tsx tests/bench/recall-weights.ts [--write] [--errors 40]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { askedBy } from '../../server/memory/facts/asked-by.ts'
import { toldBy } from '../../server/memory/facts/told-by.ts'
import { sameTopic } from '../../server/memory/facts/topic.ts'
import { tellsNothingElse } from '../../server/memory/recall/likeness.ts'
import { FEATURES, pairFeatures } from '../../server/memory/recall/pair.ts'
import { readQuestion } from '../../server/memory/recall/question.ts'
import { percent } from '../../trainer/evaluate/interval.ts'
import { othersCases, peopleCases, toldCases } from '../support/newcomer-cases.ts'

const { values } = parseArgs({
  options: { write: { type: 'boolean', default: false }, errors: { type: 'string', default: '0' } },
})
/** How much large weights cost; chosen among 0.1, 0.5 and 2 by the questions left out. */
const DECAY = 0.5
const STEPS = 1500
const PARTS = 5
const WEIGHTS_FILE = new URL('../../server/memory/recall/weights.ts', import.meta.url)

interface Pair {
  readonly question: string
  readonly text: string
  readonly part: string
  /** Pairs of one question are fitted or left out together. */
  readonly group: number
  readonly isAnswer: boolean
  readonly x: readonly number[]
}

const names = (text: string, value: string): boolean =>
  text.normalize('NFKC').toLowerCase().includes(value.normalize('NFKC').toLowerCase())

let groups = 0
function pairsOf(question: string, messages: readonly string[], value: string | null, part: string): Pair[] {
  const read = readQuestion(question, true)
  if (!read) return []
  const group = groups++
  const asked = askedBy(question)
  return messages.flatMap((message) => {
    const { facts, statements } = toldBy(message)
    const told = [
      ...facts.filter(({ kind }) => kind !== 'withdrawn').map((fact) => ({ text: fact.sentence.text, fact })),
      ...statements.map(({ text }) => ({ text, fact: null })),
    ]
    return told.flatMap(({ text, fact }): Pair[] => {
      const about = fact ? `${text} (${fact.subject === 'user' ? '' : fact.subject} ${fact.attribute})` : text
      if (tellsNothingElse(read, about)) return []
      const topic = fact && asked.length > 0 ? Math.max(0, ...asked.map((one) => sameTopic(one, fact))) : null
      const features = pairFeatures(read, about, topic)
      const isAnswer = value !== null && names(text, value)
      return [{ question, text, part, group, isAnswer, x: FEATURES.map((name) => features[name]) }]
    })
  })
}

const kept = new Set(['kept', 'held-out'])
const cases = [...peopleCases(), ...othersCases(), ...toldCases()].filter(
  ({ part, kind }) => !kept.has(part) && (kind === 'told' || kind === 'never told'),
)
const near = readFileSync(new URL('../fixtures/newcomer/near.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { told: string; asks: string; near: string[] })
const pairs = [
  ...cases.flatMap(({ asks, tells, value, part }) => pairsOf(asks, tells.flat(), value, part)),
  ...near.flatMap(({ told, asks, near: others }) => [
    ...pairsOf(asks, [told], told, 'near'),
    ...others.flatMap((other) => pairsOf(other, [told], null, 'near')),
  ]),
]

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const score = (weights: readonly number[], x: readonly number[]): number =>
  sigmoid(x.reduce((sum, one, i) => sum + one * weights[i]!, 0))

/** How much a pair of a part counts: most of `open` are like the templates of the rules, `near` was written for the fit. */
const COUNTS: Readonly<Record<string, number>> = { open: 0.3, near: 1 }

/** Adam; answers and others count the same in all. */
function fit(of: readonly Pair[]): number[] {
  const sumOf = (some: readonly Pair[]): number => some.reduce((sum, { part }) => sum + (COUNTS[part] ?? 2), 0)
  const [all, answers] = [sumOf(of), sumOf(of.filter(({ isAnswer }) => isAnswer))]
  const weightOf = ({ isAnswer, part }: Pair): number =>
    (all / 2 / (isAnswer ? answers : all - answers)) * (COUNTS[part] ?? 2)
  const weights = FEATURES.map(() => 0)
  const [mean, square] = [FEATURES.map(() => 0), FEATURES.map(() => 0)]
  for (let step = 1; step <= STEPS; step++) {
    const gradient = weights.map((weight, i) => (i === 0 ? 0 : DECAY * weight))
    for (const pair of of) {
      const error = (score(weights, pair.x) - Number(pair.isAnswer)) * weightOf(pair)
      for (const [i, x] of pair.x.entries()) gradient[i]! += error * x
    }
    for (const [i, sum] of gradient.entries()) {
      const g = sum / of.length
      mean[i] = 0.9 * mean[i]! + 0.1 * g
      square[i] = 0.999 * square[i]! + 0.001 * g * g
      weights[i]! -= (0.03 * (mean[i] / (1 - 0.9 ** step))) / (Math.sqrt(square[i] / (1 - 0.999 ** step)) + 1e-8)
    }
  }
  return weights
}

const leftOut = Array.from({ length: PARTS }, (_, part) => {
  const weights = fit(pairs.filter(({ group }) => group % PARTS !== part))
  return pairs.filter(({ group }) => group % PARTS === part).map((pair) => ({ pair, p: score(weights, pair.x) }))
}).flat()

function auc(of: readonly { pair: Pair; p: number }[]): number {
  const answers = of.filter(({ pair }) => pair.isAnswer)
  const others = of.filter(({ pair }) => !pair.isAnswer)
  const wins = answers.map(({ p }) => others.reduce((sum, one) => sum + (p > one.p ? 1 : p === one.p ? 0.5 : 0), 0))
  return wins.reduce((sum, one) => sum + one, 0) / answers.length / others.length
}

console.log(
  '| part | pairs | AUC | answers from 0.4, 0.5, 0.6 on | questions without an answer, all below |\n|---|---|---|---|---|',
)
for (const part of ['A', 'B', 'C', 'D', 'open', 'near']) {
  const of = leftOut.filter(({ pair }) => pair.part === part)
  const answers = of.filter(({ pair }) => pair.isAnswer)
  const best = new Map<number, number>()
  for (const { pair, p } of of) best.set(pair.group, Math.max(best.get(pair.group) ?? 0, p))
  const answered = new Set(answers.map(({ pair }) => pair.group))
  const denied = [...best].filter(([group]) => !answered.has(group))
  const shares = (all: readonly number[], is: (p: number, least: number) => boolean): string =>
    `${[0.4, 0.5, 0.6].map((least) => percent(all.filter((p) => is(p, least)).length / all.length)).join(' / ')} % of ${all.length}`
  const found = shares(
    answers.map(({ p }) => p),
    (p, least) => p >= least,
  )
  const below = shares(
    denied.map(([, p]) => p),
    (p, least) => p < least,
  )
  console.log(`| ${part} | ${of.length} | ${auc(of).toFixed(3)} | ${found} | ${below} |`)
}
const worst = leftOut.toSorted(
  (a, b) => Math.abs(Number(b.pair.isAnswer) - b.p) - Math.abs(Number(a.pair.isAnswer) - a.p),
)
for (const { pair, p } of worst.slice(0, Number(values.errors)))
  console.log(p.toFixed(2), pair.question, '|', pair.text)

const weights = fit(pairs)
const lines = FEATURES.map((name, i) => `  ${name}: ${Number(weights[i]!.toFixed(2))},`)
console.log(lines.join('\n'))
if (values.write) {
  const before = readFileSync(WEIGHTS_FILE, 'utf8')
  writeFileSync(WEIGHTS_FILE, before.replace(/= \{[^}]*\}/u, `= {\n${lines.join('\n')}\n}`))
}
