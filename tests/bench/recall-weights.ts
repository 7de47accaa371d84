/**
 * Fits the weights by which a sentence of the user is an answer to a question (server/memory/recall/weights.ts): logistic
 * regression over people's words. Prints how well it does on each set of lines with weights fitted to the others: where only the
 * asker's own messages are known, and where those of 40 other tellings are too.
 *   npx tsx tests/bench/recall-weights.ts [--write] [--errors PART] [--without FEATURE,FEATURE]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { FEATURES } from '../../server/memory/recall/pair.ts'
import { percent } from '../../trainer/evaluate/interval.ts'
import { askedPairs, type AskedPairs, type Pair } from '../support/recall-pairs.ts'

const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    errors: { type: 'string' },
    without: { type: 'string', default: '' },
    parts: { type: 'string', default: 'A,B,C,D,E,kept,open,near' },
    counted: { type: 'string', default: '' },
  },
})
/** How much large weights cost; chosen among 0.1, 0.5 and 2 by the sets left out. */
const DECAY = 0.5
const STEPS = 400
const RATE = 0.1
const WEIGHTS_FILE = new URL('../../server/memory/recall/weights.ts', import.meta.url)
/** Sentences of others that each question is fitted against, and how much one of them counts. */
const [MOST_OTHERS, OF_OTHERS] = [12, 0.3]
/** How much a pair of a part counts: most of `open` are like the templates of the rules, `near` was written for the fit. */
const COUNTS: Readonly<Record<string, number>> = { open: 0.3, near: 1 }
const left = new Set(values.without.split(',').map((name) => FEATURES.findIndex((one) => one === name)))

interface Example {
  readonly x: readonly number[]
  readonly isAnswer: boolean
  readonly counts: number
}

/** Answers and others count the same in all. */
function examplesOf(asked: readonly AskedPairs[]): Example[] {
  const all = asked.flatMap(({ part, own, others }): Example[] => [
    ...own.map(({ x, isAnswer }) => ({ x, isAnswer, counts: COUNTS[part] ?? 2 })),
    ...others.slice(0, MOST_OTHERS).map(({ x, isAnswer }) => ({ x, isAnswer, counts: OF_OTHERS })),
  ])
  const sumOf = (some: readonly Example[]): number => some.reduce((sum, { counts }) => sum + counts, 0)
  const [total, answers] = [sumOf(all), sumOf(all.filter(({ isAnswer }) => isAnswer))]
  return all.map(({ x, isAnswer, counts }) => {
    return { x, isAnswer, counts: (counts * total) / 2 / (isAnswer ? answers : total - answers) }
  })
}

const surely = (weights: readonly number[], x: readonly number[]): number =>
  1 / (1 + Math.exp(-x.reduce((sum, one, i) => sum + one * weights[i]!, 0)))

/** By Adam. */
function fit(examples: readonly Example[]): number[] {
  const weights = FEATURES.map(() => 0)
  const [mean, square] = [FEATURES.map(() => 0), FEATURES.map(() => 0)]
  for (let step = 1; step <= STEPS; step++) {
    const gradient = weights.map((weight, i) => (i === 0 ? 0 : DECAY * weight))
    for (const { x, isAnswer, counts } of examples) {
      const error = (surely(weights, x) - Number(isAnswer)) * counts
      for (let i = 0; i < x.length; i++) gradient[i]! += error * x[i]!
    }
    for (const [i, sum] of gradient.entries()) {
      if (left.has(i)) continue
      const g = sum / examples.length
      mean[i] = 0.9 * mean[i]! + 0.1 * g
      square[i] = 0.999 * square[i]! + 0.001 * g * g
      weights[i]! -= (RATE * (mean[i] / (1 - 0.9 ** step))) / (Math.sqrt(square[i] / (1 - 0.999 ** step)) + 1e-8)
    }
  }
  return weights
}

/** The surest of the sentences that a question is compared with. */
interface Best {
  readonly asked: AskedPairs
  readonly isAnswer: boolean
  readonly text: string
  readonly sure: number
}

function bestOf(asked: AskedPairs, pairs: readonly Pair[], weights: readonly number[]): Best {
  const judged = pairs.map(({ text, isAnswer, x }) => ({ asked, text, isAnswer, sure: surely(weights, x) }))
  const none = { asked, text: '', isAnswer: false, sure: 0 }
  return judged.reduce<Best>((best, one) => (one.sure > best.sure ? one : best), none)
}

const LEASTS = [0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9]

function row(name: string, all: readonly Best[]): string {
  const told = all.filter(({ asked }) => asked.isTold)
  const untold = all.filter(({ asked }) => !asked.isTold)
  const share = (some: readonly Best[], is: (one: Best) => boolean): number =>
    some.length === 0 ? 0 : some.filter(is).length / some.length
  const found = told.map(({ isAnswer, sure }) => (isAnswer ? sure : 0))
  const wins = found.flatMap((one) => untold.map(({ sure }) => (one > sure ? 1 : one === sure ? 0.5 : 0)))
  const auc = wins.reduce<number>((sum, one) => sum + one, 0) / wins.length
  const first = percent(share(told, ({ isAnswer }) => isAnswer))
  const at = LEASTS.map((least) => {
    const answered = share(told, ({ isAnswer, sure }) => isAnswer && sure >= least)
    return `${percent(answered)} / ${percent(share(untold, ({ sure }) => sure < least))}`
  })
  return `| ${name} | ${told.length} / ${untold.length} | ${first} | ${auc.toFixed(3)} | ${at.join(' | ')} |`
}

const [parts, counted] = [values.parts.split(','), values.counted === '' ? [] : values.counted.split(',')]
const all = await askedPairs([...parts, ...counted])
const fitted = all.filter(({ part }) => parts.includes(part))
const weights = fit(examplesOf(fitted))
const lines = FEATURES.map((name, i) => `  ${name}: ${Number(weights[i]!.toFixed(2))},`)
console.log(lines.join('\n'))
if (values.write) {
  const before = readFileSync(WEIGHTS_FILE, 'utf8')
  writeFileSync(WEIGHTS_FILE, before.replace(/= \{[^}]*\}/u, `= {\n${lines.join('\n')}\n}`))
}

console.log(
  `| left out | told / never | answer is first | AUC | ${LEASTS.join(' | ')} |\n|${'---|'.repeat(LEASTS.length + 4)}`,
)
const [alone, among]: Best[][] = [[], []]
for (const part of [...parts, ...counted]) {
  const weights = fit(examplesOf(fitted.filter((one) => one.part !== part)))
  const these = all.filter((one) => one.part === part)
  const own = these.map((asked) => bestOf(asked, asked.own, weights))
  const beside = these.map((asked) => bestOf(asked, [...asked.own, ...asked.others], weights))
  console.log(row(part, own))
  if (these.some(({ others }) => others.length > 0)) console.log(row(`${part}, and of others`, beside))
  if (parts.includes(part)) {
    alone!.push(...own)
    among!.push(...(these.some(({ others }) => others.length > 0) ? beside : []))
  }
  if (values.errors === part) showErrors(beside, own)
}
console.log(row('all', alone!))
console.log(row('all people, and of others', among!))

/** What was told and is not surely answered, and what was not and is. */
function showErrors(...kinds: readonly (readonly Best[])[]): void {
  for (const bests of kinds)
    for (const { asked, isAnswer, text, sure } of bests)
      if (asked.isTold ? !isAnswer || sure < 0.5 : sure > 0.5)
        console.log(`${asked.isTold ? 'told' : 'never'} ${sure.toFixed(2)} ${asked.question} | ${text}`)
}
