import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { NgramIndex } from '../../../server/engine/ngram-index.ts'

/** Tokens of few kinds, so that n-grams come again. */
const tokens = fc.array(fc.nat(3), { minLength: 1, maxLength: 300 })

/** How many tokens before `position` are the same as the last ones. */
function agreement(all: readonly number[], position: number): number {
  let same = 0
  while (same < position && all[position - 1 - same] === all[all.length - 1 - same]) same++
  return same
}

describe('the index of n-grams', () => {
  test('finds a match where, and only where, the last two tokens occurred before, and says no more of it than is so', () => {
    fc.assert(
      fc.property(tokens, (all) => {
        const index = new NgramIndex()
        for (const [at, token] of all.entries()) {
          index.push(token)
          const seen = all.slice(0, at + 1)
          const occurred = seen.some((_, end) => end > 0 && end < at && agreement(seen, end + 1) >= 2)
          expect(index.matched > 0).toBe(occurred)
          if (index.matched > 0) expect(agreement(seen, index.next)).toBeGreaterThanOrEqual(index.matched)
        }
      }),
    )
  })

  test('follows the latest occurrence of the last four tokens where there is one and nothing was followed', () => {
    const index = new NgramIndex()
    for (const token of [1, 2, 3, 4, 50, 9, 1, 2, 3, 4, 60, 8, 7, 1, 2, 3, 4]) index.push(token)
    expect(index.predict(3)).toEqual([60, 8, 7])
    // The last two alone occurred later, with another token after them.
    const longer = new NgramIndex()
    for (const token of [1, 2, 3, 4, 50, 3, 4, 60, 1, 2, 3, 4]) longer.push(token)
    expect(longer.predict(1)).toEqual([50])
  })

  test('what repeats itself is predicted beyond its own end', () => {
    const index = new NgramIndex()
    for (const token of [5, 6, 7, 5, 6, 7, 5]) index.push(token)
    expect(index.predict(7)).toEqual([6, 7, 5, 6, 7, 5, 6])
  })

  test('of a long text the latest 65,536 tokens are remembered, in a memory that no longer grows', () => {
    const index = new NgramIndex()
    const begin = [9, 8, 7, 6, 5]
    for (const token of begin) index.push(token)
    for (let i = 0; i < 65_536; i++) index.push(1000 + i)
    for (const token of begin.slice(0, 4)) index.push(token)
    expect(index.matched).toBe(0)
    for (let i = 0; i < 4; i++) index.push(1000 + 40_000 + i)
    expect(index.predict(2)).toEqual([1000 + 40_004, 1000 + 40_005])
  })
})
