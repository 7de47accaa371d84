import { describe, expect, test } from 'vitest'
import { drawTriple } from '../../../trainer/data/sentences/pairs.ts'
import { sentencesDataset } from '../../../trainer/data/sentences/dataset.ts'
import { Random } from '../../../trainer/random.ts'

/** A token for each word. */
const words = new Map<string, number>()
const codec = {
  encode: (text: string): number[] =>
    text.split(' ').map((word) => words.get(word) ?? words.set(word, words.size + 1).size),
}
const taught = { texts: ['a b', 'c d e'], vectors: Float32Array.from([1, 0, 0, 1]), width: 2 }
const options = { batch: 24, sequenceLength: 9, codec, seed: 5, part: 'train', taught } as const

describe('sentences to compare', () => {
  test('a label names the answer of its group, and taught groups have none', async () => {
    const batch = await sentencesDataset(options).next()
    expect([...batch.targets]).toEqual([0, 2, 4, 6, 8, 10, 12, 14])
    expect([...batch.weights]).toEqual([1, 0, 1, 0, 1, 0, 1, 0])
    for (let row = 0; row < 24; row++) {
      const vector = [...batch.vectors!.subarray(row * 2, row * 2 + 2)]
      const isTaught = Math.floor(row / 3) % 2 === 1
      expect(vector).toEqual(isTaught ? (batch.ids[row * 9 + 2] === 0 ? [1, 0] : [0, 1]) : [0, 0])
      expect(batch.ids[row * 9]).toBeGreaterThan(0)
    }
  })

  test('a position continues the batches exactly', async () => {
    const data = sentencesDataset(options)
    await data.next()
    const position = data.position()
    const expected = await data.next()
    const again = sentencesDataset(options)
    await again.seek(position)
    expect(await again.next()).toEqual(expected)
  })

  test('the three texts of a group differ, in training and held out', () => {
    for (const part of ['train', 'heldout'] as const) {
      const random = new Random(`triples ${part}`)
      const same = Array.from({ length: 2000 }, () => drawTriple(random, part, new Set())).filter(
        (triple) => new Set(triple).size < 3,
      )
      // A question about the world that is written in small letters already is its own answer
      expect(same.length).toBeLessThan(60)
    }
  })

  test('a batch of other than whole groups is refused', () => {
    expect(() => sentencesDataset({ ...options, batch: 25 })).toThrow('batch: expected a multiple of 3 rows, got 25')
  })
})
