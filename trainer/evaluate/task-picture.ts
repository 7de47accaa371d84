/** Results of tasks as a picture. */
import { page, toSvg } from '../picture.ts'
import { label } from './task-table.ts'
import type { TaskResult } from './task.ts'

const share = { type: 'quantitative' as const, scale: { domain: [0, 1] }, title: 'answered right' }

/**
 * The share right for each set of options with its 95 % interval and a dashed line for a guess among what was told; below,
 * where answers have a distance, the share by distance.
 */
export function taskPicture({ cells }: TaskResult, title: string): Promise<string> {
  const shares = cells.map(({ options, share, interval: [low, high], chance }) => ({
    options: label(options),
    share,
    low,
    high,
    guess: chance.told,
  }))
  const distances = cells.flatMap((cell) =>
    cell.distances.map(({ from, share, interval: [low, high] }) => ({
      options: label(cell.options),
      distance: from,
      share,
      low,
      high,
    })),
  )
  const order = shares.map(({ options }) => options)
  const x = { field: 'options', type: 'ordinal', sort: order, title: null } as const
  return toSvg({
    ...page,
    title,
    vconcat: [
      {
        width: 560,
        height: 200,
        data: { values: shares },
        layer: [
          { mark: 'rule', encoding: { x, y: { field: 'low', ...share }, y2: { field: 'high' } } },
          { mark: { type: 'point', filled: true }, encoding: { x, y: { field: 'share', ...share } } },
          {
            mark: { type: 'line', strokeDash: [4, 4], color: 'gray' },
            encoding: { x, y: { field: 'guess', ...share } },
          },
        ],
      },
      ...(distances.length > 0 ? [byDistance(distances, order)] : []),
    ],
  })
}

function byDistance(values: readonly object[], order: readonly string[]) {
  const color = { field: 'options', type: 'nominal' as const, title: null, sort: [...order] }
  const x = {
    field: 'distance',
    type: 'quantitative' as const,
    scale: { type: 'log' as const },
    title: 'distance in tokens',
  }
  return {
    width: 560,
    height: 200,
    data: { values: [...values] },
    layer: [
      {
        mark: { type: 'errorband' as const, opacity: 0.2 },
        encoding: { x, y: { field: 'low', ...share }, y2: { field: 'high' }, color },
      },
      { mark: { type: 'line' as const, point: true }, encoding: { x, y: { field: 'share', ...share }, color } },
    ],
  }
}
