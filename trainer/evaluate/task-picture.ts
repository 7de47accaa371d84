/** Results of tasks as a picture. */
import { type Axis, drawChart, type Series } from '../picture/chart.ts'
import { percentText, shortNumber } from '../picture/text.ts'
import { label } from './task-table.ts'
import type { TaskCell } from './task-tally.ts'
import type { TaskResult } from './task.ts'

/** The share right for each set of options with its 95 % interval, and what guesses would get. */
export function taskPicture({ task, cells }: TaskResult): string {
  const { axis, at } = across(cells)
  const line = (name: string, valueOf: (cell: TaskCell) => number): Series => ({
    name,
    points: cells.map((cell, i) => ({ x: at(i), y: 100 * valueOf(cell) })).toSorted((a, b) => a.x - b.x),
    isReference: true,
  })
  return drawChart({
    title: finding(task, cells),
    subtitle: 'Vertical bars: 95 % intervals.',
    panels: [
      {
        x: axis,
        y: { title: 'answered right, %', domain: [0, 100] },
        series: [
          {
            name: task,
            points: cells
              .map(({ share, interval: [low, high] }, i) => ({
                x: at(i),
                y: 100 * share,
                low: 100 * low,
                high: 100 * high,
              }))
              .toSorted((a, b) => a.x - b.x),
          },
          ...guesses(cells, line),
        ],
      },
    ],
  })
}

function guesses(
  cells: readonly TaskCell[],
  line: (name: string, valueOf: (cell: TaskCell) => number) => Series,
): Series[] {
  const same = cells.every(({ chance }) => chance.told === chance.blind)
  if (same) return [line('guess', ({ chance }) => chance.blind)]
  return [
    line('guess among what was told', ({ chance }) => chance.told),
    line('blind guess', ({ chance }) => chance.blind),
  ]
}

/** The first option by which the sets of options differ, if it is a number; else their order. */
function across(cells: readonly TaskCell[]): { axis: Axis; at: (index: number) => number } {
  const names = Object.keys(cells[0]?.options ?? {})
  const varied = names.find((name) => {
    const values = cells.map(({ options }) => options[name])
    return values.every((value) => typeof value === 'number' && value > 0) && new Set(values).size === cells.length
  })
  if (varied !== undefined)
    return { axis: { title: varied, kind: 'log' }, at: (index) => Number(cells[index]!.options[varied]) }
  const format = (value: number): string => label(cells[Math.round(value) - 1]?.options ?? {})
  const domain = [0.5, cells.length + 0.5] as const
  return { axis: { title: 'set of options', domain, format }, at: (index) => index + 1 }
}

/** The result of the hardest set of options, and of the easiest. */
function finding(task: string, cells: readonly TaskCell[]): string {
  const [first, last] = [cells[0], cells.at(-1)]
  if (!first || !last) return `${task}: nothing was measured`
  const named = ({ options, share }: TaskCell): string => `${percentText(share)} at ${shortLabel(options)}`
  return `${task}: ${named(last)}${first === last ? '' : ` (${named(first)})`}`
}

const shortLabel = (options: Readonly<Record<string, unknown>>): string =>
  Object.entries(options)
    .map(([name, value]) => `${name} ${typeof value === 'number' ? shortNumber(value) : String(value)}`)
    .join(', ') || 'its defaults'
