/**
 * How often what answers a question is among the first 1, 5 and 10: by words (BM25), by vectors, and by both merged, as the
 * memories of a server are searched. Generated tellings in wordings and with values that no training has, and people's own
 * words (tests/fixtures/newcomer), among others and sentences of --filler.
 *   npx tsx tests/bench/retrieval.ts [BUNDLE...] [--filler FILE]... [--sizes 1000,10000] [--questions 300] [--seed 1]
 * The bundled embedder unless bundles with embedders are given.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { loadBundle } from '../../runtime/bundle.ts'
import { openEmbedder } from '../../runtime/embedder.ts'
import { DEFAULT_EMBEDDER } from '../../server/cli.ts'
import { sentencesOf } from '../../trainer/embedder/texts.ts'
import { percent, wilsonInterval } from '../../trainer/evaluate/interval.ts'
import { placesByVectors, placesByWords, placesMerged, type Places } from '../support/retrieval-ranks.ts'
import { gateShares } from '../support/similarity-gate.ts'
import { generatedSet, newcomerSet, peopleSet, type NewcomerLine, type PeopleLine } from '../support/retrieval-sets.ts'

const FIRST = [1, 5, 10] as const
/** Sentences among which people's own words are searched. */
const NEWCOMER_FILLER = 500

/** How much words may count in the merge; 0: meaning alone. */
const SHARES = [0, 0.05, 0.1, 0.15, 0.2, 0.25, 1 / 3, 0.5] as const

const COSINES = [0.3, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7] as const

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    filler: {
      type: 'string',
      multiple: true,
      default: [
        '../shared/data/gsm8k-test.jsonl',
        '../shared/data/wikitext2-test.txt',
        '../shared/data/wizard-of-oz.txt',
      ],
    },
    sizes: { type: 'string', default: '1000,10000' },
    questions: { type: 'string', default: '300' },
    seed: { type: 'string', default: '1' },
  },
})
const filler = (await Promise.all(values.filler.map(sentencesOf))).flat()
function linesOf<T>(file: string): T[] {
  const text = readFileSync(new URL(`../fixtures/newcomer/${file}`, import.meta.url), 'utf8')
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}

const lines = linesOf<NewcomerLine>('told.jsonl')
const people = linesOf<PeopleLine>('people.jsonl')
const bundles = await Promise.all(
  (positionals.length > 0 ? positionals : [DEFAULT_EMBEDDER]).map((folder) => loadBundle(folder)),
)
const sets = values.sizes
  .split(',')
  .map((size) => generatedSet(Number(values.seed), Number(size), Number(values.questions), filler))

function row(name: string, places: Places): string {
  const shares = FIRST.map((first) => {
    const right = places.filter((place) => place <= first).length
    const [low, high] = wilsonInterval(right, places.length)
    return `${percent(right / places.length)} % (${percent(low)} to ${percent(high)})`
  })
  return `| ${name} | ${shares.join(' | ')} |`
}

const parts = ['open', 'held-out'] as const
const others = filler.slice(0, NEWCOMER_FILLER)
const own = parts.map((part) => newcomerSet(lines, part, others))
const ofPeople = (['A', 'B'] as const).map((part) => peopleSet(people, part, others))
const all = [...sets, ...own, ...ofPeople]
/** Recall of the first bundle's merge, by how much words count and by set: the mean of @1, @5 and @10. */
const byShare = new Map<number, number[]>(SHARES.map((share) => [share, []]))
const recall = (places: Places, first: number): number =>
  places.filter((place) => place <= first).length / places.length

for (const set of all) {
  console.log(`\n${set.name}, ${set.questions.length} questions\n`)
  console.log('| | recall@1 | recall@5 | recall@10 |\n|---|---|---|---|')
  const words = placesByWords(set)
  console.log(row('words (BM25)', words.places))
  for (const [at, bundle] of bundles.entries()) {
    const embedder = await openEmbedder(bundle)
    const { name } = bundle.manifest
    const vectors = await placesByVectors(set, (texts) => embedder.embed(texts.map((text) => embedder.encode(text))))
    embedder.close()
    console.log(row(`vectors (${name})`, vectors.places))
    console.log(row(`merged (${name})`, placesMerged(set, words.lists, vectors.lists)))
    for (const [share, recalls] of at === 0 ? byShare : []) {
      const places = placesMerged(set, words.lists, vectors.lists, share)
      recalls.push(FIRST.reduce((sum, first) => sum + recall(places, first) / FIRST.length, 0))
    }
  }
}

console.log(
  '\nThe merge by how much words count: mean of recall@1, @5 and @10, percent, and what the other kinds of sets would choose\n',
)
console.log(`| | ${SHARES.join(' | ')} | chosen by the others: recall |\n|${'---|'.repeat(SHARES.length + 2)}`)
const kindOf = (name: string): string => name.split(/[ ,]/u)[0]!
for (const [at, { name }] of all.entries()) {
  const elsewhere = all.flatMap((set, other) => (kindOf(set.name) === kindOf(name) ? [] : [other]))
  const score = (share: number): number => elsewhere.reduce((sum, other) => sum + byShare.get(share)![other]!, 0)
  const chosen = SHARES.toSorted((a, b) => score(b) - score(a))[0]!
  const cells = SHARES.map((share) => percent(byShare.get(share)![at]!))
  console.log(`| ${name} | ${cells.join(' | ')} | ${chosen}: ${percent(byShare.get(chosen)![at]!)} |`)
}

console.log('\nWhat a least cosine reads: answers, and one of 20 memories for small talk, requests and the world\n')
console.log(`| | ${COSINES.join(' | ')} |\n|${'---|'.repeat(COSINES.length + 1)}`)
for (const bundle of bundles) {
  const embedder = await openEmbedder(bundle)
  for (const [at, part] of parts.entries()) {
    const embed = (texts: readonly string[]) => embedder.embed(texts.map((text) => embedder.encode(text)))
    const shares = await gateShares(own[at]!, lines, part, embed, COSINES)
    const shown = shares.map(({ answers, falseOpenings }) => `${percent(answers)}, ${percent(falseOpenings)} %`)
    console.log(`| ${bundle.manifest.name}, ${part} | ${shown.join(' | ')} |`)
  }
  embedder.close()
}
