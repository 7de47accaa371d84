import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  addCalls,
  callAfter,
  callEnd,
  endsMessage,
  joinCalls,
  lastMessageEnd,
} from '../../../server/engine/prefill-calls.ts'

const END = 9
const ends = new Set([END])
const tokens = fc.array(fc.constantFrom(1, 2, 3, 4, 5, END), { minLength: 1, maxLength: 120 })
const chunk = fc.integer({ min: 1, max: 40 })

/** Where the calls of a prompt end that begins at `from`. */
function callEnds(prompt: readonly number[], from: number, length: number): number[] {
  const all: number[] = []
  for (let at = from; at < prompt.length;) all.push((at = callEnd(prompt, at, length, ends, 0)))
  return all
}

describe('the calls of a prompt', () => {
  test('feed every token once, in calls of at most a chunk, and end where messages end', () => {
    fc.assert(
      fc.property(tokens, chunk, (prompt, length) => {
        const all = callEnds(prompt, 0, length)
        expect(all.at(-1)).toBe(prompt.length)
        for (const [i, end] of all.entries()) {
          const begin = all[i - 1] ?? 0
          expect(end - begin).toBeGreaterThan(0)
          expect(end - begin).toBeLessThanOrEqual(length)
        }
        for (let at = 1; at < prompt.length; at++) if (endsMessage(prompt, at, ends)) expect(all).toContain(at)
      }),
    )
  })

  test('are the same from the end of any of them on, and of any prompt that begins alike', () => {
    fc.assert(
      fc.property(tokens, tokens, chunk, (prompt, more, length) => {
        const all = callEnds(prompt, 0, length)
        for (const end of all) expect(callEnds(prompt, end, length)).toEqual(all.filter((other) => other > end))
        // The last call may go on in the longer prompt.
        expect(callEnds([...prompt, ...more], 0, length)).toEqual(expect.arrayContaining(all.slice(0, -1)))
      }),
    )
  })

  test('end no message where there is next to nothing in it', () => {
    expect(endsMessage([1, 1, 1, END], 4, ends)).toBe(true)
    expect(endsMessage([1, 1, END], 3, ends)).toBe(false)
    expect(endsMessage([1, 1, 1, END, 1, 1, END], 7, ends)).toBe(false)
    expect(lastMessageEnd([1, 1, 1, END, 1, 1, 1, 1, END, 2, 3], ends)).toBe(9)
    expect(lastMessageEnd([1, 1, 1, END], ends)).toBe(0)
    expect(lastMessageEnd([1, 1, 1, END, 1], new Set())).toBe(0)
  })

  test('are written down as runs that say each of them again', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 40 }), fc.nat(40), (lengths, at) => {
        const [first, second]: [number[], number[]] = [[], []]
        for (const [i, length] of lengths.entries()) addCalls(i < at ? first : second, length, 1)
        const runs = joinCalls(first, second)
        let fed = 0
        for (const length of lengths) {
          expect(callAfter(runs, fed)).toBe(length)
          fed += length
        }
        expect(callAfter(runs, fed)).toBe(0)
        for (let i = 2; i < runs.length; i += 2) expect(runs[i]).not.toBe(runs[i - 2])
      }),
    )
  })
})
