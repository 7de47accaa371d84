/** Tables and pictures over runs of several systems and seeds. */
import type { Chance } from '../../../trainer/data/tasks/task.ts'
import { drawChart, type Series } from '../../../trainer/picture/chart.ts'
import { percentText, shortNumber } from '../../../trainer/picture/text.ts'
import { label } from '../../../trainer/evaluate/task-table.ts'
import type { Measured } from './study.ts'

const percent = (share: number): string => String(Math.round(share * 1000) / 10)
const line = (columns: readonly (string | number)[]): string => `| ${columns.join(' | ')} |`

/** A Markdown table of a head and rows; the first column is text. */
export function markdown(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}

/** The system of a run called `system` or `system-seed`, and how it was measured where that is not the usual way. */
const systemOf = ({ run, result, value }: Measured): string =>
  run.replace(/-\d+$/, '') + (result === value.task ? '' : `, ${result}`)

/** A row for each system: the mean share right over its seeds, in brackets the lowest and the highest; and for each set of options a column. */
export function taskRows(measured: readonly Measured[]): string {
  const systems = [...new Set(measured.map(systemOf))]
  const options = measured[0]?.value.cells.map((cell) => label(cell.options)) ?? []
  const rows = systems.map((system) => {
    const own = measured.filter((one) => systemOf(one) === system).map(({ value }) => value)
    const cells = options.map((_, i) => spread(own.map(({ cells }) => cells[i]!.share)))
    return [system, own[0]!.subject.parameters, own[0]!.subject.stateFloats, own.length, ...cells]
  })
  const guesses = measured[0]?.value.cells.map(({ chance }) => percent(chance.told)) ?? []
  const table = markdown(['system', 'parameters', 'state', 'seeds', ...options], rows)
  return `${table}\n${line(['guess among what was told', '', '', '', ...guesses])}`
}

function spread(shares: readonly number[]): string {
  const mean = percent(shares.reduce((sum, share) => sum + share, 0) / shares.length)
  if (shares.length === 1) return mean
  return `${mean} (${percent(Math.min(...shares))} to ${percent(Math.max(...shares))})`
}

/** The share right of every system over one option: the mean over its seeds, and their lowest and highest. */
export function taskPicture(
  measured: readonly Measured[],
  option: string,
  x: string,
  far: (value: string) => string,
): string {
  const systems = [...new Set(measured.map(systemOf))].map((name): Series => {
    const own = measured.filter((one) => systemOf(one) === name).map(({ value }) => value)
    const points = own[0]!.cells.map(({ options }, i) => {
      const shares = own.map(({ cells }) => 100 * cells[i]!.share)
      const y = shares.reduce((sum, share) => sum + share, 0) / shares.length
      return { x: Number(options[option]), y, low: Math.min(...shares), high: Math.max(...shares) }
    })
    return { name, points }
  })
  const cells = measured[0]?.value.cells ?? []
  const guess = (name: string, valueOf: (chance: Chance) => number): Series => ({
    name,
    points: cells.map(({ options, chance }) => ({ x: Number(options[option]), y: 100 * valueOf(chance) })),
    isReference: true,
  })
  const seeds = Math.max(...systems.map(({ name }) => measured.filter((one) => systemOf(one) === name).length))
  return drawChart({
    title: finding(systems, far),
    subtitle: `Means of ${seeds} seeds; vertical bars from the lowest to the highest.`,
    panels: [
      {
        x: { title: x, kind: 'log' },
        y: { title: 'answered right, %', domain: [0, 100] },
        series: [
          ...systems,
          guess('guess among what was told', ({ told }) => told),
          guess('blind guess', ({ blind }) => blind),
        ],
        height: 320,
      },
    ],
  })
}

/** The best system at the far end, and the best of the others. */
function finding(systems: readonly Series[], far: (value: string) => string): string {
  const ends = systems.map(({ name, points }) => ({ name, ...points.at(-1)! })).toSorted((a, b) => b.y - a.y)
  const [best, second] = ends
  if (!best) return 'nothing was measured yet'
  const others = second ? `; the best of the others, ${second.name}, ${percentText(second.y / 100)}` : ''
  return `${far(shortNumber(best.x))} ${best.name} answers ${percentText(best.y / 100)} right${others}`
}
