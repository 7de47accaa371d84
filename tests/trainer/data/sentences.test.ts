import { describe, expect, test } from 'vitest'
import { drawTriple } from '../../../trainer/data/sentences/pairs.ts'
import { sentencesDataset } from '../../../trainer/data/sentences/dataset.ts'
import { peopleTriple } from '../../../trainer/data/sentences/people-pairs.ts'
import { peopleLines } from '../../../trainer/data/sentences/people.ts'
import { changesOf, subjectLines } from '../../../trainer/data/sentences/subjects.ts'
import { tellings } from '../../../trainer/data/sentences/tellings.ts'
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

  test('no two groups of a batch hold the same line or subject of people', async () => {
    const lineOf = new Map(tellings('train').flatMap(({ texts }) => texts.map((text) => [text, texts] as const)))
    const texts: string[] = []
    const data = sentencesDataset({
      ...options,
      batch: 192,
      taught: { texts: [...lineOf.keys()], vectors: new Float32Array(2 * lineOf.size), width: 2 },
      codec: { encode: (text) => [texts.push(text)] },
    })
    await data.next()
    const inGroups = Array.from({ length: 64 }, (_, group) => {
      const lines = texts.slice(group * 3, group * 3 + 3).map((text) => lineOf.get(text))
      return group % 2 === 0 ? [...new Set(lines)] : []
    }).flat()
    const known = inGroups.filter((line) => line !== undefined)
    expect(known.length).toBeGreaterThan(10)
    expect(new Set(known).size).toBe(known.length)
  })

  test('a batch of other than whole groups is refused', () => {
    expect(() => sentencesDataset({ ...options, batch: 25 })).toThrow('batch: expected a multiple of 3 rows, got 25')
  })
})

describe("people's lines", () => {
  const [trained, kept] = [peopleLines('train'), peopleLines('heldout')]

  test('have a telling, questions that it answers and near ones, and no telling twice', () => {
    const all = [...trained, ...kept]
    expect(all.filter(({ told, asks, near }) => told === '' || asks.length === 0 || near.length === 0)).toEqual([])
    expect(new Set(all.map(({ told }) => told)).size).toBe(all.length)
    for (const { asks, replies, near, denials } of all) {
      if (replies) expect(replies).toHaveLength(asks.length)
      if (denials) expect(denials).toHaveLength(near.length)
    }
  })

  test('are kept aside one time in ten', () => {
    expect(kept.length / (kept.length + trained.length)).toBeCloseTo(0.1, 1)
  })

  test('and of subjects give triples of one telling and of what is near to it, in both directions', () => {
    const random = new Random('people')
    const all = tellings('heldout')
    const told = new Set(all.map((one) => one.told))
    const ofSubject: boolean[] = []
    for (let i = 0; i < 500; i++) {
      const [first, second, other] = peopleTriple(random, 'heldout', new Set())
      const one = all.find(({ told, asks }) => (asks.includes(first) ? told === second : told === first))!
      expect(one.asks).toContain(one.told === first ? second : first)
      if (one.told === first) expect(one.near).toContain(other)
      else expect(told.has(other) && other !== second).toBe(true)
      ofSubject.push(one.beside.includes(other))
    }
    expect(ofSubject).toContain(true)
  })
})

describe("people's subjects", () => {
  const [trained, kept] = [subjectLines('train'), subjectLines('heldout')]

  test('have three messages each of which is asked for, what none of them answers, and what changes one', () => {
    for (const line of [...trained, ...kept]) {
      const { tells, asks, never, stays = [] } = line
      expect(new Set(tells).size).toBe(3)
      expect(new Set(asks.map(({ at }) => at))).toEqual(new Set([0, 1, 2]))
      expect(never).not.toEqual([])
      for (const { at, says, q } of changesOf(line)) expect([tells[at], says, q]).not.toContainEqual(undefined)
      for (const { at, says } of stays) expect([tells[at], says]).not.toContainEqual(undefined)
    }
  })

  test('are kept aside one time in ten, and what changes a message is no telling', () => {
    expect(kept.length / (kept.length + trained.length)).toBeCloseTo(0.1, 1)
    const told = new Set([...tellings('train'), ...tellings('heldout')].map((one) => one.told))
    expect([...trained, ...kept].flatMap(changesOf).filter(({ says }) => told.has(says))).toEqual([])
  })
})
