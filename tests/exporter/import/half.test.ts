import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { fromHalf, toHalf } from '../../../exporter/import/sources/numbers.ts'

describe('float16', () => {
  it('has the same bits again after it was a number, for every number', () => {
    for (let bits = 0; bits < 65_536; bits++) {
      const value = fromHalf(bits)
      if (Number.isNaN(value)) expect(fromHalf(toHalf(value))).toBeNaN()
      else if (toHalf(value) !== bits) expect(toHalf(value)).toBe(bits)
    }
  })

  it('is the nearest to a number that it cannot hold', () => {
    fc.assert(
      fc.property(fc.float({ min: -65_504, max: 65_504, noNaN: true }), (value) => {
        const bits = toHalf(value)
        const error = Math.abs(fromHalf(bits) - value)
        for (const other of [bits - 1, bits + 1]) {
          const near = fromHalf(other & 0xffff)
          if (Number.isFinite(near)) expect(Math.abs(near - value)).toBeGreaterThanOrEqual(error)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
