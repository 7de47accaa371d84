/** Scores of questions as text and as a picture. */
import { drawChart } from '../picture/chart.ts'
import { percent } from './interval.ts'
import { line, rule, shareText } from './markdown.ts'
import { SURE, type Scores } from './outcome.ts'

/** A name for each set of scores: a suite's part, a condition. */
export type NamedScores = readonly (readonly [name: string, scores: Scores])[]

/** A Markdown table with a row for each set. */
export function scoresTable(title: string, named: NamedScores): string {
  const head = [
    title,
    'questions',
    'right (95 %)',
    'chance',
    'abstained',
    'F1',
    `wrong and ${percent(SURE)} % sure`,
    'ECE',
    'Brier',
    'risk, mean over coverage',
    'ms p50 / p95',
    'tokens',
  ]
  const rows = named.map(([name, scores]) => [
    name,
    scores.accuracy.asked,
    shareText(scores.accuracy),
    percent(scores.chance),
    scores.abstained,
    number(scores.f1),
    scores.hallucination ? percent(scores.hallucination.share) : '',
    number(scores.ece),
    number(scores.brier),
    number(scores.aurc),
    `${scores.latency.p50.toFixed(0)} / ${scores.latency.p95.toFixed(0)}`,
    scores.tokens.toFixed(0),
  ])
  return [line(head), rule(head), ...rows.map(line)].join('\n')
}

/** Risk against coverage, a line for each set. */
export function coveragePicture(title: string, named: NamedScores): string {
  const series = named.flatMap(([name, { coverage }]) =>
    coverage.length === 0 ? [] : [{ name, points: coverage.map(({ coverage: x, risk: y }) => ({ x, y })) }],
  )
  const share = { domain: [0, 1] as const, format: percent }
  return drawChart({
    title: `${title}: how much of the surest answers is wrong`,
    panels: [{ x: { title: 'answered, percent', ...share }, y: { title: 'wrong, percent', ...share }, series }],
  })
}

const number = (value: number | null): string => (value === null ? '' : value.toFixed(3))
