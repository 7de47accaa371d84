/**
 * How well the critic's encoder finds what a reply says otherwise than was told, alone and after the rules, beside the rules
 * alone: AUROC, precision, recall and F1 of "contradicted", calibration, and what is served wrong. No server.
 *   npx tsx tests/bench/critic-encoder.ts [BUNDLE] [--items 200] [--claims 4000] [--seed 1] [--picture FILE]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { contentWords } from '../../server/critic/compare-values.ts'
import { loadBundle } from '../../runtime/bundle.ts'
import { openLogits } from '../../runtime/classifier.ts'
import { UNCALIBRATED } from '../../runtime/critic.ts'
import { claimSource } from '../../trainer/data/claims/pairs.ts'
import { readReplies } from '../../trainer/data/notes/replies.ts'
import { auroc } from '../../trainer/evaluate/calibration.ts'
import { percent, wilsonInterval } from '../../trainer/evaluate/interval.ts'
import { calibrationError } from '../../trainer/evaluate/outcome.ts'
import { Random } from '../../trainer/random.ts'
import {
  f1Interval,
  judge,
  overallOf,
  probabilitiesOf,
  ruledAndEncoded,
  type LocalEncoder,
} from '../support/critic-encoder-tally.ts'
import { riskPicture, riskTable } from '../support/critic-risk.ts'
import { readCriticItems } from '../support/critic-items.ts'
import { criticItem, KINDS, type CriticItem, type Expected } from '../support/critic-pairs.ts'
import { ruleVerdict } from '../support/critic-tally.ts'

const text = (value: string) => ({ type: 'string', default: value }) as const
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { items: text('200'), claims: text('4000'), seed: text('1'), picture: text('') },
})
const bundle = await loadBundle(positionals[0] ?? join(import.meta.dirname, '../../models/pretrained/critic'))
const local: LocalEncoder = {
  encoder: await openLogits(bundle, { threads: 1 }),
  entry: bundle.manifest.critic ?? UNCALIBRATED,
}
const random = new Random(`critic ${values.seed}`)
const fixtures = join(import.meta.dirname, '../fixtures/critic')
const written = (file: string): CriticItem[] => readCriticItems(readFileSync(join(fixtures, file), 'utf8'))
const heldOut = [...written('held-out.jsonl'), ...written('everyday.jsonl')]
const generated = KINDS.flatMap((kind) =>
  Array.from({ length: Number(values.items) }, () => criticItem(random, kind, 'held')),
)

console.log(`${bundle.manifest.name}: ${JSON.stringify(local.entry)}\n`)
console.log('| items | n | checker | AUROC | precision | recall | F1 (95 %) | ECE |\n|---|---|---|---|---|---|---|---|')
for (const [name, items] of [
  ['written before the rules', written('first.jsonl')],
  ['written, held out', heldOut],
  ['of these, the 126 of everyday.jsonl', written('everyday.jsonl')],
  ['written, held out, among six facts of other items', heldOut.map((item) => amongOthers(item, heldOut))],
  ['generated for the rules, held out', generated],
] as const)
  await tabulate(name, items)
await tabulateClaims()
console.log(await perKind(heldOut))
await time()
const curves = await riskTable(local, heldOut)
console.log(curves.table)
if (values.picture !== '') writeFileSync(values.picture, riskPicture(curves.lines))
local.encoder.close()

/** The item with facts of others that share no word of weight with its question. */
function amongOthers(item: CriticItem, items: readonly CriticItem[]): CriticItem {
  const asked = new Set(contentWords(`${item.question} ${item.facts.map(({ text }) => text).join(' ')}`))
  const others = items
    .flatMap(({ facts }) => facts.filter(({ holds }) => holds))
    .filter(({ text }) => !contentWords(text).some((word) => asked.has(word)))
  const chosen = random.shuffle([...others]).slice(0, 6)
  return { ...item, facts: [...chosen.map((fact, at) => ({ ...fact, id: `other${at}` })), ...item.facts] }
}

async function tabulate(name: string, items: readonly CriticItem[]): Promise<void> {
  const ruled = items.map(ruleVerdict)
  const judged = await Promise.all(items.map((item) => judge(local, item)))
  const both = await Promise.all(items.map(async (item) => overallOf(await ruledAndEncoded(local, item))))
  const scores = judged.map(({ score }) => score)
  const rated = judged.flatMap(({ confidence, likeliest }, at) => {
    const { expected, kind } = items[at]!
    // "You have not told me that" is right where nothing was told, which an encoder of pairs cannot see.
    if (expected === 'supported' && /never|not told/u.test(kind)) return []
    return [{ confidence, isRight: likeliest === (expected === 'invented' ? 'unchecked' : expected) }]
  })
  row(name, items, 'rules', ruled)
  row(
    name,
    items,
    'encoder',
    judged.map(({ verdict }) => verdict),
    scores,
    calibrationError(rated),
  )
  row(name, items, 'rules, then encoder', both)
}

function row(
  name: string,
  items: readonly CriticItem[],
  checker: string,
  verdicts: readonly Expected[],
  scores?: readonly number[],
  ece?: number,
): void {
  const isThere = items.map(({ expected }) => expected === 'contradicted')
  const area = scores
    ? auroc(
        scores.filter((_, at) => isThere[at]),
        scores.filter((_, at) => !isThere[at]),
      ).toFixed(3)
    : '-'
  line(
    name,
    checker,
    area,
    verdicts.map((verdict, at) => [isThere[at]!, verdict === 'contradicted'] as const),
    ece,
  )
}

function line(
  name: string,
  checker: string,
  area: string,
  pairs: readonly (readonly [boolean, boolean])[],
  ece: number | undefined,
): void {
  const both = pairs.filter(([there, said]) => there && said).length
  const share = (of: number): string =>
    of === 0 ? '-' : `${percent(both / of)} (${wilsonInterval(both, of).map(percent).join(' to ')})`
  const precision = share(pairs.filter(([, said]) => said).length)
  const recall = share(pairs.filter(([there]) => there).length)
  const { f1, interval } = f1Interval(pairs, new Random('bootstrap'), pairs.length > 1000 ? 200 : 1000)
  const shown = `${f1.toFixed(3)} (${interval.map((one) => one.toFixed(3)).join(' to ')})`
  console.log(
    `| ${[name, pairs.length, checker, area, precision, recall, shown, ece?.toFixed(3) ?? '-'].join(' | ')} |`,
  )
}

/** Single pairs of the kind that the encoder was trained on, of held-out wordings, words and shapes of values. */
async function tabulateClaims(): Promise<void> {
  const draw = claimSource(readReplies(), 'heldout')
  const drawing = new Random(`critic bench ${values.seed}`)
  const claims = Array.from({ length: Number(values.claims) }, () => draw(drawing))
  const found = await probabilitiesOf(
    local,
    claims.map(({ evidence, question, sentence }) => [evidence, question, sentence] as const),
  )
  const pairs = claims.map(({ label }, at) => {
    const { contradicted } = found[at]!
    return [
      label === 'contradicted',
      contradicted >= local.entry.leastProbability && contradicted > found[at]!.supported,
    ] as const
  })
  const scores = (isThere: boolean): number[] =>
    found.flatMap(({ contradicted }, at) => (pairs[at]![0] === isThere ? [contradicted] : []))
  const rated = found.map((one, at) => {
    const [likeliest, confidence] = Object.entries(one).toSorted(([, a], [, b]) => b - a)[0]!
    return { confidence, isRight: likeliest === claims[at]!.label }
  })
  line(
    'generated pairs, held out',
    'encoder',
    auroc(scores(true), scores(false)).toFixed(3),
    pairs,
    calibrationError(rated),
  )
  for (const kind of new Set(claims.map((claim) => claim.kind))) {
    const some = rated.filter((_, at) => claims[at]!.kind === kind)
    console.log(`  ${kind}: likeliest label right ${some.filter(({ isRight }) => isRight).length} of ${some.length}`)
  }
}

/** How many verdicts of each kind are right by each checker. */
async function perKind(items: readonly CriticItem[]): Promise<string> {
  const lines = [...new Set(items.map(({ kind }) => kind))].map((kind) => kind)
  const table: string[] = [
    '\n| kind | n | rules right | encoder right | rules, then encoder |',
    '|---|---|---|---|---|',
  ]
  for (const kind of lines) {
    const some = items.filter((item) => item.kind === kind)
    const right = (verdicts: readonly Expected[]): number =>
      verdicts.filter((one, at) => one === some[at]!.expected).length
    const judged = await Promise.all(some.map(async (item) => (await judge(local, item)).verdict))
    const both = await Promise.all(some.map(async (item) => overallOf(await ruledAndEncoded(local, item))))
    table.push(`| ${[kind, some.length, right(some.map(ruleVerdict)), right(judged), right(both)].join(' | ')} |`)
  }
  return table.join('\n')
}

/** Milliseconds that a sentence takes with the eight sentences of evidence that the server reads at most. */
async function time(): Promise<void> {
  const evidence = heldOut.flatMap(({ facts }) => facts.map((fact) => fact.text)).slice(0, 8)
  const times: number[] = []
  const before = process.cpuUsage()
  for (let i = 0; i < 60; i++) {
    const { question, reply } = heldOut[i]!
    const began = performance.now()
    await probabilitiesOf(
      local,
      evidence.map((one) => [one, question, reply] as const),
    )
    times.push(performance.now() - began)
  }
  const { user, system } = process.cpuUsage(before)
  times.sort((a, b) => a - b)
  const cpu = (user + system) / 1000 / times.length
  console.log(
    `\na sentence against ${evidence.length} of evidence, one thread: p50 ${times[30]!.toFixed(1)} ms, p95 ${times[57]!.toFixed(1)} ms, ` +
      `of the processor ${cpu.toFixed(1)} ms`,
  )
}
