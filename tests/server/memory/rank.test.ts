import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergeRanks, type Ranked } from '../../../server/memory/rank.ts'

/** Memories by their numbers, best first. */
const listOf = (seqs: readonly number[]): Ranked[] => seqs.map((seq, at) => ({ seq, score: 1000 - at }))
const orderOf = (ranked: readonly Ranked[]): number[] => ranked.map(({ seq }) => seq)
const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

describe('ranks that are merged', () => {
  test('what two lists rank low comes behind what one of them ranks first', () => {
    const words = listOf([1, ...numbers(100, 38), 7])
    const vectors = listOf([2, ...numbers(200, 38), 7])
    const found = orderOf(mergeRanks([words, vectors]))
    expect(new Set(found.slice(0, 2))).toEqual(new Set([1, 2]))
    expect(found.indexOf(7)).toBeGreaterThan(70)
  })

  test('what both rank high comes before what one ranks first', () => {
    expect(orderOf(mergeRanks([listOf([1, 7]), listOf([2, 7])]))[0]).toBe(7)
  })

  test('every memory of a list is in the result once, and one list alone keeps its order', () => {
    const list = fc.uniqueArray(fc.nat(500), { maxLength: 200 })
    fc.assert(
      fc.property(list, list, (a, b) => {
        const both = orderOf(mergeRanks([listOf(a), listOf(b)]))
        expect(new Set(both)).toEqual(new Set([...a, ...b]))
        expect(both).toHaveLength(new Set(both).size)
        expect(orderOf(mergeRanks([listOf(a)]))).toEqual(a)
      }),
    )
  })
})
