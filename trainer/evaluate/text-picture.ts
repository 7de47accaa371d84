/** The cost of a text by position as a picture. */
import { page, toSvg } from '../picture.ts'
import type { TextResult } from './text-tally.ts'

/** Bits per byte over the tokens before, on a logarithmic scale, and a dashed line for the whole text. */
export function textPicture({ positions, bitsPerByte }: TextResult, title: string): Promise<string> {
  const values = positions.map((p) => ({ before: p.from, bits: p.bitsPerByte, all: bitsPerByte }))
  const x = { field: 'before', type: 'quantitative', scale: { type: 'log' }, title: 'tokens before' } as const
  const y = { type: 'quantitative', scale: { zero: false }, title: 'bits per byte' } as const
  return toSvg({
    ...page,
    title,
    width: 560,
    height: 260,
    data: { values },
    layer: [
      { mark: { type: 'line', point: true }, encoding: { x, y: { field: 'bits', ...y } } },
      { mark: { type: 'line', strokeDash: [4, 4], color: 'gray' }, encoding: { x, y: { field: 'all', ...y } } },
    ],
  })
}
