/** What was remembered, by kind, distance and condition, as text and as a picture. */
import { drawChart, type Series } from '../../picture/chart.ts'
import { percent, shareOf, type Share } from '../interval.ts'
import { line, rule, shareText } from '../markdown.ts'
import { type Kind, kinds } from './case.ts'
import { type Condition, conditions, type MemoryAnswer } from './run.ts'

const ALL = 'all kinds'

/** Answers of one kind at one distance under one condition. */
export interface MemoryCell {
  readonly kind: Kind | typeof ALL
  readonly distance: number
  readonly condition: Condition
  readonly answers: Share
  /** Answers with a value that does not hold any more. */
  readonly stale: Share
  readonly assembly: Share | null
  /** Share of the questions whose value is in the first, in the first five, in the first ten memories found. */
  readonly recall: { readonly at1: Share; readonly at5: Share; readonly at10: Share } | null
}

/** A cell for each kind, distance and condition, and for all kinds together. */
export function cellsOf(answers: readonly MemoryAnswer[]): MemoryCell[] {
  const groups = new Map<string, MemoryAnswer[]>()
  for (const answer of answers)
    for (const kind of [answer.kind, ALL] as const) {
      const key = JSON.stringify([kind, answer.distance, answer.condition])
      groups.set(key, [...(groups.get(key) ?? []), answer])
    }
  const cells = [...groups].map(([key, group]): MemoryCell => {
    const [kind, distance, condition] = JSON.parse(key) as [MemoryCell['kind'], number, Condition]
    const reads = condition !== 'rolling' && condition !== 'none'
    const readsMemories = reads && condition !== 'episodic'
    const ranks = group.flatMap(({ rank }) => (rank === null ? [] : [rank]))
    const within = (most: number): Share =>
      shareOf(ranks.filter((rank) => rank > 0 && rank <= most).length, ranks.length)
    const share = (holds: (answer: MemoryAnswer) => boolean): Share => shareOf(group.filter(holds).length, group.length)
    return {
      kind,
      distance,
      condition,
      answers: share(({ isRight }) => isRight),
      stale: share(({ isStale }) => isStale),
      assembly: readsMemories ? share(({ isAssembled }) => isAssembled) : null,
      recall: reads && ranks.length > 0 ? { at1: within(1), at5: within(5), at10: within(10) } : null,
    }
  })
  const orders = [[...kinds, ALL], conditions] as const
  return cells.toSorted(
    (a, b) =>
      orders[0].indexOf(a.kind) - orders[0].indexOf(b.kind) ||
      orders[1].indexOf(a.condition) - orders[1].indexOf(b.condition) ||
      a.distance - b.distance,
  )
}

/** A Markdown table: a row for each cell. */
export function memoryTable(cells: readonly MemoryCell[]): string {
  const head = [
    'memory',
    'turns between',
    'asked',
    'found @1 / @5 / @10',
    'assembled',
    'answered (95 %)',
    'stale answers',
    'questions',
  ]
  const rows = cells.map(({ kind, distance, condition, answers, stale, assembly, recall }) => [
    kind,
    distance,
    places[condition],
    recall ? [recall.at1, recall.at5, recall.at10].map(({ share }) => percent(share)).join(' / ') : '',
    assembly ? percent(assembly.share) : '',
    shareText(answers),
    percent(stale.share),
    answers.asked,
  ])
  return [line(head), rule(head), ...rows.map(line)].join('\n')
}

const places: Readonly<Record<Condition, string>> = {
  rolling: 'in the same conversation, without memories',
  episodic: 'in another conversation, with turns instead of memories',
  memory: 'in another conversation, with memories',
  both: 'in another conversation, with memories and turns',
  all: 'in the same conversation, with memories',
  none: 'in another conversation, without memories',
}

/** Right answers over the turns between, a line for each condition; and what a search found. */
export function memoryPicture(cells: readonly MemoryCell[], model: string): string {
  const all = cells.filter(({ kind }) => kind === ALL)
  const point = (distance: number, { share, interval: [low, high] }: Share) => ({
    x: distance + 1,
    y: share,
    low,
    high,
  })
  const series: Series[] = [...new Set(all.map(({ condition }) => condition))].map((condition) => ({
    name: places[condition],
    points: all.filter((cell) => cell.condition === condition).map((cell) => point(cell.distance, cell.answers)),
  }))
  const found = all.filter(({ condition, recall }) => condition === 'memory' && recall !== null)
  if (found.length > 0)
    series.push({
      name: 'the search finds it (@10)',
      points: found.map(({ distance, recall }) => point(distance, recall!.at10)),
      isReference: true,
    })
  return drawChart({
    title: `${model}: facts told in free text, by how many turns ago`,
    subtitle: `${all[0]?.answers.asked ?? 0} questions a point; bars are 95 % intervals`,
    panels: [
      {
        x: { title: 'turns between telling and asking, plus 1', kind: 'log' },
        y: { title: 'right answers, percent', domain: [0, 1], format: percent },
        series,
      },
    ],
  })
}
