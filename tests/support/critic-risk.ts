/** Coverage against risk of the policies: how many questions get an answer, and how many of the answers are wrong. */
import { checkReply } from '../../server/critic/check-reply.ts'
import type { Policy } from '../../server/critic/policy.ts'
import type { SentenceVerdict } from '../../server/critic/verdict.ts'
import { percent, shareOf, type Share } from '../../trainer/evaluate/interval.ts'
import { drawChart, type ChartPoint, type Series } from '../../trainer/picture/chart.ts'
import { ruledAndEncoded, type LocalEncoder } from './critic-encoder-tally.ts'
import type { CriticItem } from './critic-pairs.ts'
import { servedBy } from './critic-tally.ts'

const THRESHOLDS = [0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995]
const SHOWN: readonly Policy[] = ['annotate', 'abstain', 'quote', 'rollback']

interface Served {
  readonly coverage: Share
  readonly risk: Share
}

/** The table by policies and by the probability from which on the encoder's verdict counts, and the lines of a picture. */
export async function riskTable(
  local: LocalEncoder,
  items: readonly CriticItem[],
): Promise<{ readonly table: string; readonly lines: readonly Series[] }> {
  const asked = items.filter(({ question, expected }) => expected !== 'unchecked' && question.endsWith('?'))
  const rows: string[] = []
  const points = new Map<Policy, ChartPoint[]>()
  const add = (policy: Policy, by: string, { coverage, risk }: Served): void => {
    rows.push(`| ${[policy, by, asked.length, shown(coverage), shown(risk)].join(' | ')} |`)
    const point = { x: coverage.share * 100, y: risk.share * 100 }
    points.set(policy, [...(points.get(policy) ?? []), point])
  }
  for (const policy of SHOWN)
    add(
      policy,
      'rules',
      served(
        policy,
        asked,
        asked.map((item) => checkReply(item)),
      ),
    )
  for (const leastProbability of THRESHOLDS) {
    const own = { ...local, entry: { ...local.entry, leastProbability } }
    const verdicts = await Promise.all(asked.map((item) => ruledAndEncoded(own, item)))
    for (const policy of SHOWN.slice(1))
      add(policy, `rules, encoder from ${leastProbability}`, served(policy, asked, verdicts))
  }
  const table = [
    '\n| policy | by | asked | answered | wrong among the answers |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
  return { table, lines: [...points].map(([name, all]) => ({ name, points: all.toSorted((a, b) => a.x - b.x) })) }
}

function served(
  policy: Policy,
  items: readonly CriticItem[],
  verdicts: readonly (readonly SentenceVerdict[])[],
): Served {
  const each = items.map((item, at) => answered(policy, item, verdicts[at]!))
  const answers = each.filter((one) => one !== null)
  return {
    coverage: shareOf(answers.length, items.length),
    risk: shareOf(answers.filter((isRight) => !isRight).length, answers.length),
  }
}

/** Whether the answer that is served is right; null where none is. */
function answered(policy: Policy, item: CriticItem, verdicts: readonly SentenceVerdict[]): boolean | null {
  const outcome = servedBy(policy, item, [...verdicts])
  if (outcome === 'right' || outcome === 'wrong') return outcome === 'right'
  return null
}

function shown({ share, interval: [low, high] }: Share): string {
  return `${percent(share)} (${percent(low)} to ${percent(high)})`
}

/** Coverage to the right, risk upwards. */
export function riskPicture(lines: readonly Series[]): string {
  return drawChart({
    title: 'Wrong answers served against questions answered, by policy',
    subtitle: 'Written items, held out; a point is a probability from which on the verdict of the encoder counts.',
    panels: [
      {
        x: { title: 'questions answered, %', domain: [0, 100] },
        y: { title: 'wrong among the answers, %', domain: [0, 100] },
        series: lines,
      },
    ],
  })
}
