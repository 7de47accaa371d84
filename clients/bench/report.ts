/** The tables of a measurement, as Markdown. */
import type { Contender } from './contender.ts'
import type { ServerDescription } from './describe.ts'
import { SITUATIONS, type NextTurn, type Situation } from './situations.ts'
import type { Metric } from './speed.ts'
import { quantile, summaryOf } from './statistics.ts'

export interface Measured {
  readonly machine: string
  readonly contenders: readonly Contender[]
  /** As the contenders describe themselves. */
  readonly servers: readonly ServerDescription[]
  readonly rounds: number
  /** Empty: not measured. */
  readonly speed: readonly Metric[]
  readonly turns: readonly NextTurn[]
}

/** All that was measured. */
export function report({ machine, contenders, servers, rounds, speed, turns }: Measured): string {
  const about = contenders.map(({ name }, i) => `- ${name}: ${servers[i]?.version}, model ${servers[i]?.model}`)
  const compared = contenders.length > 1 ? `; in brackets how many times as fast ${contenders[0]?.name} is` : ''
  const parts = [`${machine}\n\n${about.join('\n')}`]
  if (speed.length > 0)
    parts.push(`Speed, medians of ${rounds} rounds (least to most)${compared}:`, speedTable(speed, contenders))
  if (turns.length > 0)
    parts.push('What the next turn costs; in brackets the tokens that are new in it:', nextTurnTable(turns, contenders))
  return `${parts.join('\n\n')}\n`
}

/** Speed: a row for each metric, a column for each contender: the median, the ends, and how the first one compares. */
export function speedTable(metrics: readonly Metric[], contenders: readonly Contender[]): string {
  const rows = metrics.map(({ name, unit, samples }) => {
    const medians = samples.map((values) => quantile(values, 0.5))
    return [`${name}, ${unit}`, ...samples.map((values, i) => cell(values) + (i > 0 ? factor(unit, medians, i) : ''))]
  })
  return table(['', ...contenders.map(({ name }) => name)], rows)
}

/** How many times as fast the first contender is as this one. */
function factor(unit: Metric['unit'], medians: readonly number[], i: number): string {
  const ratio = medians[0]! / medians[i]!
  if (Number.isNaN(ratio)) return ''
  return ` [${(unit === 'ms' ? 1 / ratio : ratio).toFixed(2)}x]`
}

/** Next turns: a row for each situation, three columns for each contender. */
export function nextTurnTable(turns: readonly NextTurn[], contenders: readonly Contender[]): string {
  const lengths = [...new Set(turns.map(({ length }) => length))]
  const rows = lengths.flatMap((length) =>
    SITUATIONS.flatMap((situation) => {
      const all = contenders.map(({ name }) => turnsOf(turns, name, length, situation))
      return all.some((some) => some.length > 0) ? [[String(length), situation, ...all.flatMap(turnCells)]] : []
    }),
  )
  const columns = contenders.flatMap(({ name }) => [
    `${name}: computed (new)`,
    `${name}: TTFT, ms`,
    `${name}: bytes written`,
  ])
  return table(['tokens', 'next turn', ...columns], rows)
}

/** The turns of one kind. */
export function turnsOf(
  turns: readonly NextTurn[],
  contender: string,
  length: number,
  situation: Situation,
): NextTurn[] {
  return turns.filter((turn) => turn.contender === contender && turn.length === length && turn.situation === situation)
}

function turnCells(turns: readonly NextTurn[]): string[] {
  if (turns.length === 0) return ['', '', '']
  const computed = summaryOf(turns.map(({ tokens }) => tokens.prompt - tokens.cached)).median
  const fresh = summaryOf(turns.map((turn) => turn.fresh)).median
  const written = turns.flatMap((turn) => (turn.written === null ? [] : [turn.written]))
  return [
    `${computed} (${fresh})`,
    cell(turns.map(({ ttft }) => ttft)),
    written.length === 0 ? '' : String(summaryOf(written).median),
  ]
}

/** The median, with the ends where there are several samples. */
function cell(samples: readonly number[]): string {
  if (samples.length === 0) return ''
  const { median, min, max } = summaryOf(samples)
  return samples.length === 1 ? digits(median) : `${digits(median)} (${digits(min)} to ${digits(max)})`
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
