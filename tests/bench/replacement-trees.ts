/**
 * Fits the trees by which a later sentence takes the place of one that answers a question (server/memory/recall/replaces.ts) to people's
 * corrections, beside other sentences of theirs that were told after an answer. Prints how often they are right of the sets that they
 * were not fitted to, one after the other.
 *   npx tsx tests/bench/replacement-trees.ts [--write] [--quick]
 * --quick: without leaving sets out.
 */
import { parseArgs } from 'node:util'
import { loadBundle } from '../../runtime/bundle.ts'
import { openEmbedder } from '../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import { toldBy } from '../../server/memory/facts/told-by.ts'
import { answers, LEAST_SURE } from '../../server/memory/recall/answers.ts'
import { holds } from '../../server/memory/recall/holds.ts'
import { readQuestion, type Question } from '../../server/memory/recall/question.ts'
import { REPLACEMENT_FEATURES, replacementFeatures } from '../../server/memory/recall/replacement.ts'
import { percent } from '../../trainer/evaluate/interval.ts'
import { Random } from '../../trainer/random.ts'
import { readPairs } from '../support/bundled-reader.ts'
import { likelihood, type Tree } from '../../server/memory/recall/trees.ts'
import { fitTrees, writeTrees } from '../support/boosted-trees.ts'
import { elaboratedCases, othersCases, peopleCases, type Case, type ElaboratedCase } from '../support/newcomer-cases.ts'

const { values } = parseArgs({
  options: { write: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
})
/** A surer reader never makes a replacement less likely. */
const directions = REPLACEMENT_FEATURES.map((name) => Number(name === 'read'))
/** Not chosen: about those of recall-trees.ts. */
const TREES = { trees: 150, leaves: 10, rate: 0.1, decay: 5, least: 30, directions }
const LEAST = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9]
/** How much what is said next on the same subject counts: people go on more often than they correct. */
const ELABORATED = 8
const SEED = 'replacements'

interface Said {
  readonly text: string
  /** What its turn says before it. */
  readonly before: string
}

interface Pair {
  readonly set: string
  readonly kind: string
  readonly isReplaced: boolean
  /** How much it counts. */
  readonly weight: number
  readonly x: readonly number[]
}

/** Before a reader has read it. */
interface UnreadPair extends Omit<Pair, 'x'> {
  readonly said: string
  readonly next: string
  readonly featuresOf: (read: number) => readonly number[]
}

const names = (text: string, value: string): boolean =>
  text.normalize('NFKC').toLowerCase().includes(value.normalize('NFKC').toLowerCase())

function sentencesOf(message: string): Said[] {
  const { facts, statements } = toldBy(message)
  const all = [
    ...new Map([...facts.map(({ sentence }) => sentence), ...statements].map((one) => [one.start, one])).values(),
  ]
  const texts = all.toSorted((a, b) => a.start - b.start).map(({ text }) => text)
  return texts.map((text, at) => ({ text, before: texts.slice(0, at).join(' ') }))
}

/** Sets that are kept for counting. */
const isKept = ({ part }: Case): boolean => /^(?:[L-OS]|[P-S]\+|unread)$/u.test(part)
const elaborated = elaboratedCases().filter((one) => !isKept(one))
const all = [...peopleCases(), ...othersCases(), ...elaborated].filter((one) => !isKept(one))
const corrected = all.filter(({ kind, old }) => kind === 'corrected' && old !== null)
const told = all.filter(({ kind, part }) => kind === 'told' && !part.endsWith('+'))
const setOf = ({ part }: Case): string => (part === 'A' || part === 'B' ? 'A, B' : part.replace('+', ''))

const bundle = await loadBundle(DEFAULT_EMBEDDER)
const leastSimilarity = bundle.manifest.embedder!.leastSimilarity!
const embedder = await openEmbedder(bundle)
const texts = new Set(
  all.flatMap(({ asks, tells }) => [
    asks,
    ...tells.flat(),
    ...[asks, ...tells.flat()].flatMap(sentencesOf).map(({ text }) => text),
  ]),
)
const vectors = new Map<string, Float32Array>()
for (const text of texts) vectors.set(text, (await embedder.embed([embedder.encode(text)]))[0]!)
const dot = (a: Float32Array, b: Float32Array): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
function similarity(one: string, other: string): number {
  const [a, b] = [vectors.get(one)!, vectors.get(other)!]
  return Math.max(0, dot(a, b)) / Math.sqrt(dot(a, a) * dot(b, b)) / leastSimilarity
}

const random = new Random(SEED)
const drawn = <T>(from: readonly T[], count: number): T[] =>
  from.length === 0 ? [] : Array.from({ length: count }, () => from[random.int(from.length)]!)
const untold = all.filter(({ kind }) => kind === 'never told')
const pool = [...told, ...untold].flatMap(({ tells }) => tells.flat().flatMap(sentencesOf))
const corrections = corrected.flatMap(({ tells }) => sentencesOf(tells.flat().at(-1)!))
const small = all.filter(({ kind }) => kind === 'small talk').flatMap(({ asks }) => sentencesOf(asks))

interface Drawn {
  readonly kind: string
  readonly next: Said
  readonly isNext: boolean
  readonly weight: number
  readonly isReplaced: boolean
}

function pairWith(one: Case, question: Question, said: string, { next, isNext, ...rest }: Drawn): UnreadPair[] {
  // What answers for itself needs no place.
  if (!rest.isReplaced && answers(question, { text: next.text, topic: null }) >= LEAST_SURE) return []
  const near = { said: similarity(said, next.text), asked: similarity(one.asks, next.text) }
  const featuresOf = (read: number): readonly number[] => {
    const features = replacementFeatures(question, said, { ...next, isNext, similarity: near, read })
    return REPLACEMENT_FEATURES.map((name) => features[name])
  }
  return [{ set: setOf(one), ...rest, said, next: next.text, featuresOf }]
}

function pairsOf(one: Case): UnreadPair[] {
  const question = readQuestion(one.asks, true)
  if (!question) return []
  const messages = one.tells.flat()
  const isCorrected = one.kind === 'corrected'
  const value = isCorrected ? one.old! : one.value!
  const told = messages.find((message) => names(message, value)) ?? messages[0]!
  const said = sentencesOf(told).find(({ text }) => names(text, value))?.text ?? told
  const pairOf = (kind: string, next: Said, isNext: boolean, weight: number, isReplaced = false): UnreadPair[] =>
    pairWith(one, question, said, { kind, next, isNext, weight, isReplaced })
  const right = isCorrected ? sentencesOf(messages.at(-1)!).filter(({ text }) => names(text, one.value!)) : []
  const isOther = ({ text }: Said): boolean => !messages.some((message) => message.includes(text))
  const [tellings, changes] = [pool.filter(isOther), corrections.filter(isOther)]
  return [
    ...right.flatMap((next) => [
      ...pairOf('corrections', next, true, 1, true),
      ...pairOf('corrections later', next, false, 0.3, true),
    ]),
    ...drawn(tellings, 2).flatMap((next) => pairOf('tellings', next, true, 5)),
    ...ofKind(question, drawn(tellings, 80))
      .slice(0, 2)
      .flatMap((next) => pairOf('tellings of the kind', next, true, 5)),
    ...drawn(changes, 1).flatMap((next) => pairOf('corrections of others next', next, true, 0.3)),
    ...drawn(changes, 2).flatMap((next) => pairOf('corrections of others', next, false, 2.5)),
    ...ofKind(question, drawn(changes, 80))
      .slice(0, 2)
      .flatMap((next) => pairOf('corrections of others, of the kind', next, false, 2.5)),
    ...drawn(small, 1).flatMap((next) => pairOf('small talk', next, true, 2)),
  ]
}

/** What somebody says next on the same subject takes the place of nothing. */
function elaborations(one: ElaboratedCase): UnreadPair[] {
  const question = readQuestion(one.asks, true)
  const messages = one.tells.flat()
  const told = messages[one.at]!
  const said = sentencesOf(told).find(({ text }) => names(text, one.value!))?.text ?? told
  if (!question) return []
  return messages.slice(one.at + 1).flatMap((message, after) =>
    sentencesOf(message).flatMap((next) => {
      const pair = { kind: 'elaborations', next, isNext: after === 0, weight: ELABORATED, isReplaced: false }
      return pairWith(one, question, said, pair)
    }),
  )
}

function ofKind({ wanted, known }: Question, from: readonly Said[]): Said[] {
  return from.filter(({ text }) => wanted === null || holds(wanted, text, known))
}

const unread = [...[...corrected, ...told].flatMap(pairsOf), ...elaborated.flatMap(elaborations)]
const read = await readPairs(unread.map(({ said, next }) => ({ first: said, second: next })))
const pairs = unread.map(({ said, next, featuresOf, ...pair }): Pair => ({
  ...pair,
  x: featuresOf(read({ first: said, second: next }).replaces),
}))
const fit = (of: readonly Pair[], without: readonly number[] = []): Tree[] =>
  fitTrees(
    of.map(({ x, isReplaced, weight }) => ({ x, isRight: isReplaced, weight })),
    TREES,
    new Set(without),
  )

const sets = [...new Set(pairs.map(({ set }) => set))]
const READ = [REPLACEMENT_FEATURES.indexOf('read')]
interface Judged {
  readonly pair: Pair
  readonly sure: number
}
/** Each set by trees that were fitted to the others. */
const leftOut = (without: readonly number[]): Judged[] =>
  sets.flatMap((set) => {
    const trees = fit(
      pairs.filter((pair) => pair.set !== set),
      without,
    )
    return pairs.filter((pair) => pair.set === set).map((pair) => ({ pair, sure: likelihood(trees, pair.x) }))
  })
function print(name: string, of: readonly Judged[]): void {
  const shares = LEAST.map((least) => `${percent(of.filter(({ sure }) => sure >= least).length / of.length)} %`)
  console.log(`| ${name} | ${shares.join(' | ')} | ${of.length} |`)
}
for (const [reader, judged] of values.quick
  ? []
  : ([
      ['without a reader', leftOut(READ)],
      ['with the reader', leftOut([])],
    ] as const)) {
  console.log(`| ${reader} | ${LEAST.join(' | ')} | of |\n|---|${'---|'.repeat(LEAST.length + 1)}`)
  for (const set of sets) {
    const of = judged.filter(({ pair }) => pair.set === set && pair.kind === 'corrections')
    if (of.length > 0) print(`corrections of ${set}`, of)
  }
  for (const kind of new Set(pairs.map((pair) => pair.kind)))
    print(
      kind,
      judged.filter(({ pair }) => pair.kind === kind),
    )
}

if (values.write) writeTrees('replaces.json', REPLACEMENT_FEATURES, { reader: fit(pairs), words: fit(pairs, READ) })
