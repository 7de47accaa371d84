import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BLOCK, nibbles, packExact, packInt4, packInt8, type PackedRows } from '../../../exporter/import/pack-blocks.ts'

/** Of 4-bit blocks that are searched, as an import makes them. */
const SIZES = [32, 64] as const

const number = fc.float({ min: -8, max: 8, noNaN: true })
const rowsOf = (blocks: number) => fc.array(number, { minLength: blocks * BLOCK, maxLength: blocks * BLOCK })

/** The weights that ONNX Runtime sees: scale (q - zero). */
function unpacked({ q, scales, zeros }: PackedRows, blocks: number, size = BLOCK): Float32Array {
  const rows = scales.length / blocks
  const bits = zeros ? 4 : 8
  return Float32Array.from({ length: scales.length * size }, (_, i) => {
    const [block, row] = [Math.floor(i / size), Math.floor(i / size / blocks)]
    const level = bits === 8 ? q[i]! : (q[i >> 1]! >> (i % 2 === 0 ? 0 : 4)) & 15
    const inRow = block % blocks
    const zero = zeros ? (zeros[row * (zeros.length / rows) + (inRow >> 1)]! >> (inRow % 2 === 0 ? 0 : 4)) & 15 : 128
    return scales[block]! * (level - zero)
  })
}

describe('blocks of 32', () => {
  test('in 8 bits are as near as half a step of the largest magnitude', () => {
    fc.assert(
      fc.property(rowsOf(3), (values) => {
        const data = Float32Array.from(values)
        const packed = packInt8(data)
        const again = unpacked(packed, 3)
        for (const [i, x] of data.entries())
          expect(Math.abs(again[i]! - x)).toBeLessThanOrEqual(0.5001 * packed.scales[Math.floor(i / BLOCK)]! + 1e-30)
      }),
    )
  })

  test.each(SIZES)('in 4 bits, of %d, have no larger squared error than with the whole range in 15 steps', (size) => {
    fc.assert(
      fc.property(rowsOf((3 * size) / BLOCK), (values) => {
        const data = Float32Array.from(values)
        const again = unpacked(packInt4(data, 3 * size, size), 3, size)
        for (let block = 0; block < 3; block++) {
          const own = data.subarray(block * size, (block + 1) * size)
          const [low, high] = [Math.min(0, ...own), Math.max(0, ...own)]
          const step = (high - low) / 15
          const error = own.reduce((sum, x, i) => sum + (x - again[block * size + i]!) ** 2, 0)
          // Half a step for each number, and as much again where the zero point is rounded
          expect(error).toBeLessThanOrEqual(size * step ** 2 + 1e-12)
        }
      }),
    )
  })

  test('of zeros stay zeros', () => {
    const zeros = new Float32Array(2 * BLOCK)
    expect(unpacked(packInt8(zeros), 2)).toEqual(zeros)
    expect(unpacked(packInt4(zeros, 2 * BLOCK, BLOCK), 2)).toEqual(zeros)
  })

  test('with a minimum each lose nothing but the last bits of their remainders', () => {
    const blocks = 3
    const level = fc.integer({ min: 0, max: 15 })
    const one = fc.record({
      q: fc.array(level, { minLength: 2 * blocks * BLOCK, maxLength: 2 * blocks * BLOCK }),
      scale: fc.array(fc.float({ min: Math.fround(0.01), max: 2, noNaN: true }), {
        minLength: 2 * blocks,
        maxLength: 2 * blocks,
      }),
      minimum: fc.array(fc.float({ min: -20, max: 2, noNaN: true }), { minLength: 2 * blocks, maxLength: 2 * blocks }),
    })
    fc.assert(
      fc.property(one, ({ q, scale, minimum }) => {
        const stored = {
          bits: 4 as const,
          rows: 2,
          columns: blocks * BLOCK,
          q: Uint8Array.from(q),
          scale: Float32Array.from(scale),
          minimum: Float32Array.from(minimum),
        }
        const width = blocks + 1
        const again = unpacked(packExact(stored), width)
        for (let row = 0; row < 2; row++) {
          const rest = minimum.slice(row * blocks, (row + 1) * blocks)
          const largest = Math.max(...rest.map(Math.abs), ...scale.map((d) => 15 * d))
          for (let column = 0; column < stored.columns; column++) {
            const block = Math.floor(column / BLOCK)
            const i = row * stored.columns + column
            const expected = scale[row * blocks + block]! * q[i]! + minimum[row * blocks + block]!
            // The column of a block's sum adds its weight to each number of the block
            const got = again[row * width * BLOCK + column]! + again[(row * width + blocks) * BLOCK + block]!
            expect(Math.abs(got - expected)).toBeLessThanOrEqual(largest / 12)
          }
        }
      }),
    )
  })

  test('the even number of a pair is in the low half of its byte', () => {
    expect(nibbles(Uint8Array.of(1, 2, 15, 0))).toEqual(Uint8Array.of(0x21, 0x0f))
  })
})
