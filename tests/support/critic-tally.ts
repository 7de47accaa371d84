/** Counts of the critic's verdicts and of what is served, as tables. */
import { checkReply, factsAbout } from '../../server/critic/check-reply.ts'
import { compareValues, mentions } from '../../server/critic/compare-values.ts'
import { decide, POLICIES, type Policy } from '../../server/critic/policy.ts'
import { askedBy } from '../../server/memory/facts/asked-by.ts'
import { percent, shareOf, type Share } from '../../trainer/evaluate/interval.ts'
import type { CriticItem, Expected } from './critic-pairs.ts'

export interface Checker {
  readonly name: string
  readonly verdictOf: (item: CriticItem) => Expected
}

/** The verdict of the rules over a whole reply. */
export function ruleVerdict(item: CriticItem): Expected {
  const verdicts = checkReply(item)
  if (verdicts.some(({ verdict }) => verdict === 'contradicted')) return 'contradicted'
  if (verdicts.some(({ invented }) => invented)) return 'invented'
  return verdicts.some(({ verdict }) => verdict === 'supported') ? 'supported' : 'unchecked'
}

export const CHECKERS: readonly Checker[] = [
  { name: 'rules', verdictOf: ruleVerdict },
  {
    name: 'value in the reply',
    verdictOf: ({ facts, reply }) => {
      const holding = facts.filter(({ holds }) => holds)
      if (holding.length === 0) return 'unchecked'
      return holding.some(({ value }) => mentions(reply, value)) ? 'supported' : 'contradicted'
    },
  },
  { name: 'always supported', verdictOf: () => 'supported' },
]

interface Row {
  readonly right: Share
  readonly precision: Share
  readonly recall: Share
  readonly f1: number
  readonly coverage: Share
}

export function rowOf(checker: Checker, items: readonly CriticItem[]): Row {
  const pairs = items.map((item) => [item.expected, checker.verdictOf(item)] as const)
  const count = (test: (expected: Expected, got: Expected) => boolean): number =>
    pairs.filter(([expected, got]) => test(expected, got)).length
  const found = count((expected, got) => expected === 'contradicted' && got === 'contradicted')
  const said = count((_, got) => got === 'contradicted')
  const there = count((expected) => expected === 'contradicted')
  return {
    right: shareOf(
      count((expected, got) => expected === got),
      items.length,
    ),
    precision: shareOf(found, said),
    recall: shareOf(found, there),
    f1: said + there === 0 ? 0 : (2 * found) / (said + there),
    coverage: shareOf(
      count((_, got) => got === 'supported' || got === 'contradicted'),
      items.length,
    ),
  }
}

/** By kinds of items and for all of them. */
export function verdictTable(checker: Checker, items: readonly CriticItem[], kinds = kindsOf(items)): string {
  const lines = kinds.map((kind) => {
    const some = items.filter((item) => kind === 'all' || item.kind === kind)
    const { right, precision, recall, f1, coverage } = rowOf(checker, some)
    const cells = [right, precision, recall].map((share) => (share.asked === 0 ? '-' : shown(share)))
    const hasFaults = recall.asked + precision.asked > 0
    return `| ${[kind, some.length, ...cells, hasFaults ? f1.toFixed(3) : '-', percent(coverage.share)].join(' | ')} |`
  })
  return [
    `| ${checker.name} | items | verdict right | precision | recall | F1 | checked |`,
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

function kindsOf(items: readonly CriticItem[]): string[] {
  return [...new Set(items.map(({ kind }) => kind)), 'all']
}

/** What is served of replies to questions of something that the user could have told. */
export function policyTable(items: readonly CriticItem[]): string {
  const asked = items.filter(({ question, expected }) => expected !== 'unchecked' && askedBy(question).length > 0)
  const lines = POLICIES.map((policy) => {
    const served = asked.map((item) => servedBy(policy, item))
    const cells = (['right', 'wrong', 'abstained', 'retry', 'rollback'] as const).map((kind) =>
      shown(shareOf(served.filter((one) => one === kind).length, served.length)),
    )
    return `| ${[policy, asked.length, ...cells].join(' | ')} |`
  })
  return [
    '| policy | asked | right served | wrong served | abstained | another reply | taken back |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n')
}

export type Served = 'right' | 'wrong' | 'abstained' | 'retry' | 'rollback'

/** What a policy serves of an item, judged by what was told and not by the verdicts. */
export function servedBy(policy: Policy, item: CriticItem, verdicts = checkReply(item)): Served {
  const decision = decide(policy, verdicts, item.facts, item.question)
  if (decision.action === 'retry' || decision.action === 'rollback') return decision.action
  if (decision.action !== 'replace') return item.expected === 'supported' ? 'right' : 'wrong'
  const { text } = decision
  if (text.startsWith('I am not sure')) return 'abstained'
  const known = item.facts.filter(({ holds }) => holds)
  const read = known.filter((fact) => askedBy(item.question).some((topic) => factsAbout(topic, [fact]).length > 0))
  // Where no rule reads the question, what the item says of it decides: something was told unless its kind is that nothing was.
  const told = read.length > 0 || /never|not told/u.test(item.kind) || item.expected === 'invented' ? read : known
  if (told.length === 0) return text.startsWith('You have not told me') ? 'right' : 'wrong'
  return told.some((fact) => text.includes(fact.text) || compareValues(fact.value, text) === 'same') ? 'right' : 'wrong'
}

function shown({ share, interval: [low, high] }: Share): string {
  return `${percent(share)} (${percent(low)} to ${percent(high)})`
}
