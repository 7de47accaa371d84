/** Recall results as text. */
import { percent } from './interval.ts'
import type { RecallResult } from './keeper.ts'
import type { Condition, RecallCell } from './keeper-tally.ts'

/** A Markdown table for each condition: facts down, distance across, share right in percent with its 95 % interval. */
export function recallTable(result: RecallResult): string {
  const conditions = [...new Set(result.cells.map(({ condition }) => condition))]
  return conditions.map((condition) => conditionTable(result, condition)).join('\n\n')
}

function conditionTable(result: RecallResult, condition: Condition): string {
  const cells = result.cells.filter((cell) => cell.condition === condition)
  const distances = [...new Set(cells.map(({ distance }) => distance))]
  const facts = [...new Set(cells.map((cell) => cell.facts))]
  const head = distances.map((distance) => headOf(cells.filter((cell) => cell.distance === distance)))
  const rows = facts.map((count) => {
    const row = cells.filter((cell) => cell.facts === count)
    return [count, ...row.map(cellText), percent(row[0]?.chanceTold ?? 0), percent(row[0]?.chanceSet ?? 0)]
  })
  return [
    `**${condition}** (${result.conversations} conversations a row, seed ${result.seed})`,
    '',
    line(['facts', ...head, 'guess among what was told', 'blind guess']),
    line(['---', ...head.map(() => '---:'), '---:', '---:']),
    ...rows.map(line),
  ].join('\n')
}

function headOf(cells: readonly RecallCell[]): string {
  const [first] = cells
  const tokens = Math.round(cells.reduce((sum, cell) => sum + cell.distanceTokens, 0) / cells.length)
  const distance = first?.distance ?? 0
  return `after ${distance} turn${distance === 1 ? '' : 's'}${tokens > 0 ? ` (${tokens} tokens)` : ''}`
}

function cellText({ share, interval, asked }: RecallCell): string {
  return asked === 0 ? '' : `${percent(share)} (${percent(interval[0])} to ${percent(interval[1])})`
}

function line(columns: readonly (string | number)[]): string {
  return `| ${columns.join(' | ')} |`
}
