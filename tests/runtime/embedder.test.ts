/** Which texts an embedder computes together. */
import { array, assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { callsOf } from '../../runtime/embedder.ts'

const textsOf = (lengths: readonly number[]) =>
  lengths.map((length) => ({ ids: Array<number>(length).fill(7), types: Array<number>(length).fill(0) }))

test('a long text pads no short ones: it has a call of its own', () => {
  expect(callsOf(textsOf([60, 9, 10, 10, 9]))).toEqual([[1, 4, 2, 3], [0]])
})

test('each text is computed once, and a call has its padding’s worth of texts and no more than its tokens', () => {
  assert(
    property(array(integer({ min: 1, max: 300 }), { maxLength: 80 }), (lengths) => {
      const calls = callsOf(textsOf(lengths))
      expect(calls.flat().toSorted((a, b) => a - b)).toEqual(lengths.map((_, at) => at))
      for (const call of calls) {
        const longest = Math.max(...call.map((at) => lengths[at]!))
        expect(call.length === 1 || longest * call.length <= 2048).toBe(true)
        const padding = call.reduce((sum, at) => sum + longest - lengths[at]!, 0)
        expect(padding).toBeLessThanOrEqual(8 * (call.length - 1))
      }
    }),
  )
})
