import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mergeScores, type Ranked } from '../../../server/memory/rank.ts'

/** Memories by their numbers, best first. */
const listOf = (seqs: readonly number[]): Ranked[] => seqs.map((seq, at) => ({ seq, score: 1000 - at }))
const orderOf = (ranked: readonly Ranked[]): number[] => ranked.map(({ seq }) => seq)

describe('scores that are merged', () => {
  test('what means the same comes before what has words in common', () => {
    const found = mergeScores({ words: listOf([1, 2]), meaning: listOf([3, 4]) })
    expect(orderOf(found)).toEqual([3, 4, 1, 2])
  })

  test('what both rank high comes before what one ranks first', () => {
    expect(orderOf(mergeScores({ words: listOf([1, 7]), meaning: listOf([2, 7]) }))[0]).toBe(7)
  })

  test('a list whose scores fall off says less of what follows than one whose scores do not', () => {
    const words = [
      { seq: 1, score: 9 },
      { seq: 2, score: 1 },
    ]
    const meaning = [
      { seq: 2, score: 0.9 },
      { seq: 1, score: 0.85 },
    ]
    expect(orderOf(mergeScores({ words, meaning }))).toEqual([1, 2])
  })

  test('every memory of a list is in the result once, and one list alone keeps its order', () => {
    const list = fc.uniqueArray(fc.nat(500), { maxLength: 200 })
    fc.assert(
      fc.property(list, list, (a, b) => {
        const both = orderOf(mergeScores({ words: listOf(a), meaning: listOf(b) }))
        expect(new Set(both)).toEqual(new Set([...a, ...b]))
        expect(both).toHaveLength(new Set(both).size)
        expect(orderOf(mergeScores({ words: listOf(a), meaning: [] }))).toEqual(a)
        expect(orderOf(mergeScores({ words: [], meaning: listOf(a) }))).toEqual(a)
      }),
    )
  })
})
