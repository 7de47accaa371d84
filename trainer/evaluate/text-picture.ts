/** The cost of a text by position as a picture. */
import { drawChart } from '../picture/chart.ts'
import { shortNumber } from '../picture/text.ts'
import type { TextResult } from './text-tally.ts'

/** Bits per byte over the tokens before, and a dashed line for the whole text. */
export function textPicture({ positions, bitsPerByte }: TextResult): string {
  const [first, last] = [positions[0], positions.at(-1)]
  const change =
    first && last && first !== last
      ? `: ${shortNumber(first.bitsPerByte)} without context, ${shortNumber(last.bitsPerByte)} after ${shortNumber(last.from)} tokens`
      : ''
  const ends = positions.map(({ from }) => from)
  return drawChart({
    title: `${shortNumber(bitsPerByte)} bits per byte${change}`,
    panels: [
      {
        x: { title: 'tokens before, at least', kind: 'log' },
        y: { title: 'bits per byte' },
        series: [
          { name: 'by position', points: positions.map(({ from, bitsPerByte: y }) => ({ x: from, y })) },
          {
            name: 'whole text',
            points: [...new Set([ends[0]!, ends.at(-1)!])].map((x) => ({ x, y: bitsPerByte })),
            isReference: true,
          },
        ],
      },
    ],
  })
}
