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
import { fitLogistic, surely, type Example } from '../support/logistic.ts'
import { askedPairs, type AskedPairs, type Pair } from '../support/recall-pairs.ts'

/** Sets that the weights are fitted to; of those with a plus see elaboratedCases. */
const FITTED = 'A,B,C,D,E,F,G,H,I,J,K,L,M,kept,open,near,C+,D+,E+,F+,G+,H+,I+,J+,K+,L+,M+,kept+'
const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    errors: { type: 'string' },
    without: { type: 'string', default: '' },
    parts: { type: 'string', default: FITTED },
    counted: { type: 'string', default: '' },
  },
})
/** How much large weights cost; chosen among 0.1, 0.5 and 2 by the sets left out. */
const DECAY = 0.5
const WEIGHTS_FILE = new URL('../../server/memory/recall/weights.ts', import.meta.url)
/** Sentences of others that each question is fitted against, and how much one of them counts. */
const [MOST_OTHERS, OF_OTHERS] = [12, 0.3]
/** How much a pair of a part counts: most of `open` are like the templates of the rules, `near` was written for the fit. */
const COUNTS: Readonly<Record<string, number>> = { open: 0.3, near: 1 }
/** Among sentences of one subject one always answers: they say little of questions that none does. */
const ELABORATED = 0.3
const SIMILARITY = FEATURES.indexOf('similarity')
const READ = FEATURES.indexOf('read')
const left = new Set(values.without.split(',').map((name) => FEATURES.findIndex((one) => one === name)))

/** Those that are likest to the question in meaning: among many sentences some always are. */
const nearest = (others: readonly Pair[]): Pair[] =>
  others.toSorted((a, b) => b.x[SIMILARITY]! - a.x[SIMILARITY]!).slice(0, MOST_OTHERS)

/** Answers, and others that are none. */
const examplesOf = (asked: readonly AskedPairs[]): Example[] =>
  asked.flatMap(({ part, own, others }): Example[] => [
    ...own.map(({ x, isAnswer }) => ({
      x,
      isRight: isAnswer,
      weight: COUNTS[part] ?? (part.endsWith('+') ? ELABORATED : 2),
    })),
    ...nearest(others).map(({ x, isAnswer }) => ({ x, isRight: isAnswer, weight: OF_OTHERS })),
  ])

const fit = (asked: readonly AskedPairs[], without: Iterable<number> = left): number[] =>
  fitLogistic(examplesOf(asked), DECAY, new Set(without))

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
/** The lines of the table `name` in the file of weights. */
const linesOf = (weights: readonly number[]): string =>
  FEATURES.map((name, i) => `  ${name}: ${Number(weights[i]!.toFixed(2))},`).join('\n')
const tables = {
  WEIGHTS: linesOf(fit(fitted)),
  WITHOUT_READER: linesOf(fit(fitted, [...left, READ])),
  OF_WORDS_ALONE: linesOf(fit(fitted, [...left, SIMILARITY, READ])),
}
console.log(tables.WEIGHTS)
if (values.write) {
  let text = readFileSync(WEIGHTS_FILE, 'utf8')
  for (const [name, lines] of Object.entries(tables))
    text = text.replace(new RegExp(`(const ${name}\\b[^=]*=) \\{[^}]*\\}`, 'u'), `$1 {\n${lines}\n}`)
  writeFileSync(WEIGHTS_FILE, text)
}

console.log(
  `| left out | told / never | answer is first | AUC | ${LEASTS.join(' | ')} |\n|${'---|'.repeat(LEASTS.length + 4)}`,
)
const [alone, among]: Best[][] = [[], []]
for (const part of [...parts, ...counted]) {
  const weights = fit(fitted.filter((one) => one.part !== part))
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
