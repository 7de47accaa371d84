import { describe, expect, test } from 'vitest'
import { Random, type RandomState } from '../../trainer/random.ts'

describe('Random', () => {
  test('a generator made from a saved state goes on exactly', () => {
    const first = new Random(7)
    for (let i = 0; i < 10; i++) first.bits()
    const second = new Random(JSON.parse(JSON.stringify(first.state)) as RandomState)
    expect(Array.from({ length: 50 }, () => second.normal())).toEqual(Array.from({ length: 50 }, () => first.normal()))
  })

  test('the words are those of xoshiro128** (computed by its published C code)', () => {
    const random = new Random([1, 2, 3, 4])
    expect([random.bits(), random.bits(), random.bits(), random.bits()]).toEqual([11520, 0, 5927040, 70819200])
  })

  test('different seeds and forks give different streams, the same ones the same', () => {
    const streams = [new Random(1), new Random(2), new Random(1).fork('a'), new Random(1).fork('b')]
    expect(new Set(streams.map((random) => random.bits())).size).toBe(4)
    expect(new Random(1).fork('a').bits()).toBe(new Random(1).fork('a').bits())
  })

  test('uniform numbers and normal numbers have the moments that they should have', () => {
    const random = new Random('moments')
    const uniform = Array.from({ length: 50_000 }, () => random.uniform())
    const normal = Array.from({ length: 50_000 }, () => random.normal())
    expect(Math.abs(mean(uniform) - 0.5)).toBeLessThan(0.01)
    expect(Math.abs(mean(normal))).toBeLessThan(0.02)
    expect(Math.abs(mean(normal.map((x) => x * x)) - 1)).toBeLessThan(0.03)
  })

  test('shuffle keeps the elements and reaches every order', () => {
    const random = new Random(3)
    const orders = new Set(Array.from({ length: 500 }, () => random.shuffle(['a', 'b', 'c', 'd']).join('')))
    expect(orders.size).toBe(24)
  })

  test('a state that is no state is refused', () => {
    expect(() => new Random([0, 0, 0, 0])).toThrow(/not all zero/)
  })
})

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}
