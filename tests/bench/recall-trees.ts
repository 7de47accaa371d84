/**
 * Fits the trees by which a sentence of the user is an answer to a question (server/memory/recall/answers.ts) to people's words. Prints
 * how well they do on each set of lines with trees fitted to the others: where only the asker's own messages are known, and where
 * those of 40 other tellings are too. --counted: more sets that are only counted.
 *   npx tsx tests/bench/recall-trees.ts [--write] [--quick] [--errors PART] [--without FEATURE,FEATURE] [--counted P,Q,R,P+,Q+,R+]
 * --quick: without leaving sets out.
 */
import { parseArgs } from 'node:util'
import { FEATURES } from '../../server/memory/recall/pair.ts'
import { percent } from '../../trainer/evaluate/interval.ts'
import { likelihood, type Tree } from '../../server/memory/recall/trees.ts'
import { fitTrees, writeTrees, type Example } from '../support/boosted-trees.ts'
import { askedPairs, type AskedPairs, type Pair } from '../support/recall-pairs.ts'

/** Sets that the trees are fitted to; of those with a plus see elaboratedCases, of `aside` recall-pairs.ts. */
const FITTED = 'A,B,C,D,E,F,G,H,I,J,K,L,M,kept,open,near,C+,D+,E+,F+,G+,H+,I+,J+,K+,L+,M+,kept+,aside,aside+'
const { values } = parseArgs({
  options: {
    write: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    errors: { type: 'string' },
    without: { type: 'string', default: '' },
    parts: { type: 'string', default: FITTED },
    counted: { type: 'string', default: '' },
  },
})
/** Sets are left out in so many groups; those of one writer together. */
const GROUPS = 6
/** Sentences of others that each question is fitted against, and how much one of them counts. */
const [MOST_OTHERS, OF_OTHERS] = [6, 0.6]
/** How much a pair of a part counts: most of `open` are like the templates of the rules. Of three messages one nearly always answers. */
const COUNTS: Readonly<Record<string, number>> = { open: 0.3, near: 1, aside: 1, 'aside+': 0.5 }
const [OF_ONE, OF_THREE] = [2, 0.3]
const SIMILARITY = FEATURES.indexOf('similarity')
const READ = FEATURES.indexOf('read')
/** More of these never makes a sentence less likely, or more likely, to answer. */
const [MORE, LESS] = [
  'read similarity coverage exact topic'.split(' '),
  'otherTopic lacks otherBeing apart missingName'.split(' '),
]
const directions = FEATURES.map((name) => Number(MORE.includes(name)) - Number(LESS.includes(name)))
/** Chosen on P, Q and R with the reader before, so these are no test of the sizes. */
const TREES = { trees: 200, leaves: 12, rate: 0.1, decay: 5, least: 40, directions }
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
      weight: COUNTS[part] ?? (part.endsWith('+') ? OF_THREE : OF_ONE),
    })),
    ...nearest(others).map(({ x, isAnswer }) => ({ x, isRight: isAnswer, weight: OF_OTHERS })),
  ])

const fit = (asked: readonly AskedPairs[], without: Iterable<number> = left): Tree[] =>
  fitTrees(examplesOf(asked), TREES, new Set(without))

/** The surest of the sentences that a question is compared with. */
interface Best {
  readonly asked: AskedPairs
  readonly isAnswer: boolean
  readonly text: string
  readonly sure: number
}

function bestOf(asked: AskedPairs, pairs: readonly Pair[], trees: readonly Tree[]): Best {
  const judged = pairs.map(({ text, isAnswer, x }) => ({ asked, text, isAnswer, sure: likelihood(trees, x) }))
  const none = { asked, text: '', isAnswer: false, sure: 0 }
  return judged.reduce<Best>((best, one) => (one.sure > best.sure ? one : best), none)
}

const LEASTS = [0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95]

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
if (values.write)
  writeTrees('answers.json', FEATURES, {
    reader: fit(fitted),
    embedder: fit(fitted, [...left, READ]),
    words: fit(fitted, [...left, SIMILARITY, READ]),
  })

console.log(
  `| left out | told / never | answer is first | AUC | ${LEASTS.join(' | ')} |\n|${'---|'.repeat(LEASTS.length + 4)}`,
)
const [alone, among]: Best[][] = [[], []]
const groups = [...new Set(parts.map((part) => part.replace('+', '')))]
const groupOf = (part: string): number => groups.indexOf(part.replace('+', '')) % GROUPS
const whole = values.quick || counted.length > 0 ? fit(fitted) : []
const others = values.quick
  ? []
  : Array.from({ length: GROUPS }, (_, group) => fit(fitted.filter(({ part }) => groupOf(part) !== group)))
for (const part of values.quick ? counted : [...parts, ...counted]) {
  const trees = counted.includes(part) ? whole : others[groupOf(part)]!
  const these = all.filter((one) => one.part === part)
  const own = these.map((asked) => bestOf(asked, asked.own, trees))
  const beside = these.map((asked) => bestOf(asked, [...asked.own, ...asked.others], trees))
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
