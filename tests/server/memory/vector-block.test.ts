import { describe, expect, test } from 'vitest'
import { VectorBlock } from '../../../server/memory/vector-block.ts'
import { VectorPages } from '../../../server/memory/vector-pages.ts'
import { generator } from '../../support/many-memories.ts'

const WIDTH = 40
const COUNT = 1600
const MOST = 20

const memory = new VectorPages()

/** All of a map's vectors compared with a query in double precision, best first. */
function scoresOf(vectors: ReadonlyMap<number, Float32Array>, query: Float32Array): { seq: number; score: number }[] {
  const all = [...vectors].map(([seq, vector]) => ({
    seq,
    score: vector.reduce((sum, x, i) => sum + x * query[i]!, 0),
  }))
  return all.toSorted((a, b) => b.score - a.score)
}

/** The memories found are the best by exact scores, but for such as differ by less than float32 does. */
function expectExact(block: VectorBlock, vectors: ReadonlyMap<number, Float32Array>, query: Float32Array): void {
  const all = scoresOf(vectors, query)
  const exact = new Map(all.map(({ seq, score }) => [seq, score]))
  const slack = 1e-5 * Math.max(...all.map(({ score }) => Math.abs(score)))
  const found = block.nearest(query, MOST)
  expect(new Set(found.map(({ seq }) => seq)).size).toBe(MOST)
  for (const [rank, { seq, score }] of found.entries()) {
    expect(Math.abs(score - exact.get(seq)!)).toBeLessThanOrEqual(slack)
    expect(Math.abs(score - all[rank]!.score)).toBeLessThanOrEqual(slack)
  }
}

describe('a block of so many vectors that their codes are compared first', () => {
  const random = generator(1)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  /** Of very different lengths, and with one large number beside which codes lose the small ones. */
  const uneven = (): Float32Array => {
    const vector = Float32Array.from({ length: WIDTH }, () => normal() * Math.exp(normal()))
    vector[Math.floor(random() * WIDTH)]! *= 30
    return vector
  }
  const even = (): Float32Array => {
    const vector = Float32Array.from({ length: WIDTH }, normal)
    const length = Math.hypot(...vector)
    return vector.map((number) => number / length)
  }

  test.each([
    ['of one length', even],
    ['of all lengths', uneven],
  ])('finds exactly the nearest, while vectors %s are added, changed and deleted', (_, next) => {
    const block = new VectorBlock(WIDTH, memory)
    const vectors = new Map<number, Float32Array>()
    const put = (seq: number): void => {
      const vector = next()
      vectors.set(seq, vector)
      block.set(seq, vector)
    }
    for (let seq = 0; seq < COUNT; seq++) put(seq)
    for (let i = 0; i < 10; i++) expectExact(block, vectors, next())
    for (let seq = 0; seq < COUNT; seq += 3) {
      block.delete(seq)
      vectors.delete(seq)
    }
    for (let seq = 1; seq < COUNT; seq += 9) put(seq)
    for (let i = 0; i < 10; i++) expectExact(block, vectors, next())
  })

  test('ranks the later of equal ones first', () => {
    const block = new VectorBlock(WIDTH, memory)
    const same = even()
    for (let seq = 0; seq < COUNT; seq++) block.set(seq, same)
    expect(block.nearest(same, 3).map(({ seq }) => seq)).toEqual([COUNT - 1, COUNT - 2, COUNT - 3])
  })

  test('a vector of zeros, or one that is no vector, hides no other', () => {
    const block = new VectorBlock(WIDTH, memory)
    const vectors = new Map(Array.from({ length: COUNT }, (_, seq) => [seq, even()] as const))
    for (const [seq, vector] of vectors) block.set(seq, vector)
    block.set(COUNT, new Float32Array(WIDTH))
    block.set(COUNT + 1, new Float32Array(WIDTH).fill(NaN))
    expectExact(block, vectors, even())
    expect(block.nearest(new Float32Array(WIDTH), MOST)).toHaveLength(MOST)
  })

  test('gives its memory back without a trace of its vectors', () => {
    const pages = new VectorPages()
    const block = new VectorBlock(WIDTH, pages)
    for (let seq = 0; seq < COUNT; seq++) block.set(seq, even())
    expect(block.bytes).toBeGreaterThan(COUNT * WIDTH * 5)
    for (let seq = 0; seq < COUNT; seq++) block.delete(seq)
    expect(block.bytes).toBe(0)
    expect(new Uint8Array(pages.buffer).every((byte) => byte === 0)).toBe(true)
    expect(block.nearest(even(), MOST)).toEqual([])
  })
})
