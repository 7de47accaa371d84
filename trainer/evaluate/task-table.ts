/** Results of tasks as text. */
import type { Options } from '../data/tasks/task.ts'
import { percent } from './interval.ts'
import { line, rule, shareText } from './markdown.ts'
import type { TaskResult } from './task.ts'

/** A Markdown table: a row for each set of options, with the share right in percent and its 95 % interval. */
export function taskTable({ task, seed, cells }: TaskResult): string {
  const several = cells.some(({ tokens, asked }) => tokens.asked !== asked)
  const rows = cells.map((cell) => [
    label(cell.options),
    Math.round(cell.length),
    shareText(cell),
    ...(several ? [shareText(cell.tokens)] : []),
    percent(cell.scaled),
    percent(cell.chance.told),
    percent(cell.chance.blind),
    cell.asked,
  ])
  const head = [
    task,
    'tokens',
    'right',
    ...(several ? ['tokens right'] : []),
    'above a blind guess',
    'guess among what was told',
    'blind guess',
    'answers',
  ]
  return [
    `**${task}** (percent, 95 % intervals; ${cells[0]?.sequences ?? 0} held-out sequences a row, seed ${seed})`,
    '',
    line(head),
    rule(head),
    ...rows.map(line),
  ].join('\n')
}

/** A set of options in few words. */
export function label(options: Options): string {
  return Object.entries(options)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ')
}
