/** Tables and pictures over runs of several systems and seeds. */
import { page, toSvg } from '../../../trainer/picture.ts'
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

/** The share right of every system over one option, the seeds' mean as a line and their range as a band. */
export function taskPicture(measured: readonly Measured[], option: string, title: string): Promise<string> {
  const values = measured.flatMap((one) =>
    one.value.cells.map(({ options, share, chance }) => ({
      system: systemOf(one),
      [option]: options[option],
      share,
      guess: chance.told,
    })),
  )
  const x = { field: option, type: 'quantitative' as const, scale: { type: 'log' as const, base: 2 } }
  const y = { type: 'quantitative' as const, scale: { domain: [0, 1] }, title: 'answered right' }
  const color = { field: 'system', type: 'nominal' as const, title: null }
  return toSvg({
    ...page,
    title,
    width: 560,
    height: 280,
    data: { values },
    layer: [
      {
        mark: { type: 'line', point: true },
        encoding: { x, y: { field: 'share', aggregate: 'mean' as const, ...y }, color },
      },
      { mark: { type: 'point', size: 12 }, encoding: { x, y: { field: 'share', ...y }, color } },
      { mark: { type: 'line', strokeDash: [4, 4], color: 'gray' }, encoding: { x, y: { field: 'guess', ...y } } },
    ],
  })
}
