import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EmbedQuestion, RefusedInput } from '../../../server/embedding/messages.ts'
import { TextQueue, type Round } from '../../../server/embedding/text-queue.ts'

const question = (id: number, owner: string, inputs: readonly string[], folder = 'one'): EmbedQuestion => ({
  kind: 'embed',
  id,
  folder,
  owner,
  inputs,
  keep: null,
})

/** A token for each character; a text with an x cannot be read. */
function createQueue() {
  const refused: [number, RefusedInput][] = []
  const queue = new TextQueue(
    ({ inputs }, index) => {
      const text = inputs[index] as string
      if (text.includes('x')) return { index, reason: 'too long', got: text.length }
      const ids = Array.from(text, (character) => character.codePointAt(0)!)
      return { ids, types: ids.map(() => 0) }
    },
    (id, why) => refused.push([id, why]),
  )
  return { queue, refused }
}

/** The vector of a text is its first character and its length. */
const compute = ({ texts }: Round): Float32Array[] => texts.map(({ ids }) => Float32Array.of(ids[0] ?? 0, ids.length))

test('every question gets the vectors of its own inputs in their order, or is refused, whatever came together', () => {
  const text = fc.stringMatching(/^[a-e]{0,40}x?$/)
  const asked = fc.record({
    owner: fc.constantFrom('a', 'b', 'c'),
    folder: fc.constantFrom('one', 'two'),
    inputs: fc.array(text, { minLength: 1, maxLength: 60 }),
    leaves: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 12 }), fc.integer({ min: 0, max: 11 }), (all, early) => {
      const { queue, refused } = createQueue()
      const answered = new Map<number, { vectors: readonly Float32Array[]; tokens: number }>()
      const left = new Set<number>()
      const add = (id: number): void => {
        const one = all[id]!
        queue.add(question(id, one.owner, one.inputs, one.folder))
      }
      for (let id = 0; id < Math.min(early, all.length); id++) add(id)
      let next = early
      for (let round = queue.take(); round || next < all.length; round = queue.take()) {
        // Questions come and go while a round is computed.
        if (next < all.length) {
          add(next)
          if (all[next]!.leaves) {
            queue.remove(next)
            left.add(next)
          }
          next++
        }
        if (round) for (const { id, ...found } of round.settle(compute(round))) answered.set(id, found)
      }
      const expected = all.flatMap(({ inputs }, id) => {
        if (left.has(id) || inputs.some((one) => one.includes('x'))) return []
        const vectors = inputs.map((one) => Float32Array.of(one.codePointAt(0) ?? 0, one.length))
        return [[id, { vectors, tokens: inputs.join('').length }] as const]
      })
      expect([...answered].toSorted(([a], [b]) => a - b)).toEqual(expected)
      const wrong = all.flatMap(({ inputs }, id) =>
        !left.has(id) && inputs.some((one) => one.includes('x')) ? [id] : [],
      )
      expect(refused.map(([id]) => id).toSorted((a, b) => a - b)).toEqual(wrong)
    }),
  )
})

test('a tenant with one text does not wait for another with thousands', () => {
  const { queue } = createQueue()
  queue.add(question(1, 'large', Array<string>(2000).fill('aaaaaaaaaaaaaaaaaaaa')))
  queue.take()?.settle([])
  queue.add(question(2, 'small', ['b']))
  const round = queue.take()!
  expect(round.settle(compute(round)).map(({ id }) => id)).toEqual([2])
})

test('a round that cannot be computed takes its questions out, and no others', () => {
  const { queue } = createQueue()
  queue.add(question(1, 'a', ['a', 'b']))
  const round = queue.take()!
  queue.add(question(2, 'a', ['c']))
  expect(round.drop()).toEqual([1])
  const other = queue.take()!
  expect(other.settle(compute(other)).map(({ id }) => id)).toEqual([2])
  expect(queue.take()).toBeNull()
})
