import { describe, expect, test } from 'vitest'
import { tasks, setTask } from '../../../../trainer/data/tasks/registry.ts'
import type { Sequence } from '../../../../trainer/data/tasks/task.ts'
import { Random } from '../../../../trainer/random.ts'
import { readers } from '../../../support/task-readers.ts'

const draws = (name: string, options: object, count: number, seed = 'test'): Sequence[] => {
  const task = setTask(name, { ...options })
  const random = new Random(seed)
  return Array.from({ length: count }, () => task.generate(random))
}
const answersOf = ({ answers, targets }: Sequence): number[] => answers.flatMap(({ at }) => at.map((p) => targets[p]!))

describe('every task', () => {
  test.each([...tasks.keys()])('%s: tokens stay in the vocabulary, answers are trained, the seed decides', (name) => {
    for (const options of [{}, ...tasks.get(name)!.grid]) {
      const { vocabulary, chance } = setTask(name, options)
      const [first] = draws(name, options, 1) as [Sequence]
      const { ids, targets, weights, answers } = first
      expect([targets.length, weights.length]).toEqual([ids.length, ids.length])
      expect([...ids, ...targets].every((id) => Number.isInteger(id) && id >= 0 && id < vocabulary)).toBe(true)
      expect(answers.length).toBeGreaterThan(0)
      expect(answers.every(({ at }) => at.every((p) => weights[p] === 1 && p < ids.length))).toBe(true)
      expect(new Set(answers.flatMap(({ at }) => at)).size).toBe(answers.flatMap(({ at }) => at).length)
      expect(chance.blind).toBeGreaterThan(0)
      expect(chance.told).toBeGreaterThanOrEqual(chance.blind)
      expect(draws(name, options, 1)).toEqual([first])
      expect(draws(name, options, 1, 'other')).not.toEqual([first])
    }
  })

  test.each(Object.keys(readers))('%s: the answers are those that a reader of the ids finds', (name) => {
    const { options, read } = readers[name]!
    for (const sequence of draws(name, options, 50)) {
      const numbers = setTask(name, options).options as Record<string, number>
      const places = sequence.answers.flatMap(({ at }) => at)
      expect(answersOf(sequence)).toEqual(read(sequence.ids, numbers, places))
    }
  })

  test.each([
    ['mqar', { pairs: 65 }, /mqar\.length: expected at least 260 for 65 pairs, got 256/],
    ['mqar', { vocabulary: 64 }, /mqar\.pairs: expected fewer than the 31 keys, got 64/],
    ['mqar', { lenght: 64 }, /mqar\.lenght: no such option/],
    ['forgetting-mqar', { pairs: 4, updates: 5 }, /updates: expected at most the 4 pairs/],
    ['rewrite', { repeat: false, pairs: 17 }, /pairs: expected at most the 16 keys that do not repeat/],
    ['retrieval', { facts: 17 }, /facts: expected at most the 16 keys/],
    ['chain', { depth: 20 }, /names: expected at least 42/],
    ['parity', { length: 2 }, /parity\.length: expected a whole number from 3/],
    ['noisy-recall', { noise: 0 }, /noise: expected tokens for a share of 0\.2/],
    ['selective-copying', { length: 33 }, /length: expected more than 33/],
  ])('%s refuses %j before anything is drawn', (name, options, message) => {
    expect(() => setTask(name, options)).toThrow(message)
  })

  test('an unknown one is refused with the names that there are', () => {
    expect(() => setTask('mqra', {})).toThrow(/task: expected one of mqar, .*copying, got mqra/)
  })
})

describe("mqar is zoology's", () => {
  const options = { vocabulary: 128, length: 128, pairs: 16 }

  test('first the pairs, keys and values different and from ranges of their own, then each key once at an even place', () => {
    for (const { ids, answers, targets, weights } of draws('mqar', options, 100)) {
      const keys = ids.slice(0, 32).filter((_, i) => i % 2 === 0)
      const values = ids.slice(0, 32).filter((_, i) => i % 2 === 1)
      expect([new Set(keys).size, new Set(values).size]).toEqual([16, 16])
      expect(keys.every((key) => key >= 1 && key < 64)).toBe(true)
      expect(values.every((value) => value >= 64 && value < 128)).toBe(true)
      const places = answers.map(({ at: [p] }) => p!)
      expect(places.every((p) => p >= 32 && p % 2 === 0)).toBe(true)
      // The label stands at the question itself, and nowhere else is one
      expect(places.map((p) => ids[p])).toEqual(keys)
      expect(places.map((p) => targets[p])).toEqual(values)
      expect(weights.filter((w) => w > 0)).toHaveLength(16)
      expect(answers.map(({ distance }) => distance)).toEqual(places.map((p, i) => p - (2 * i + 1)))
    }
  })

  test('the place of a single question follows the power law', () => {
    const space = 10
    const power = 0.01
    const counts = Array.from({ length: space }, () => 0)
    const all = draws('mqar', { vocabulary: 64, length: 2 + 2 * space, pairs: 1, power }, 20_000)
    for (const { answers } of all) counts[(answers[0]!.at[0]! - 2) / 2]!++
    const weights = counts.map((_, i) => (i + 1) ** (power - 1))
    const total = weights.reduce((a, b) => a + b, 0)
    for (const [i, count] of counts.entries()) {
      const p = weights[i]! / total
      expect(Math.abs(count / all.length - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / all.length))
    }
  })

  test('two questions are drawn one after the other without replacement', () => {
    const weights = [1, 2, 3, 4].map((i) => i ** -0.99)
    const total = weights.reduce((a, b) => a + b, 0)
    // The chance that place i is among the two
    const expected = weights.map((w, i) =>
      weights.reduce((sum, v, j) => sum + (j === i ? 0 : (v / total) * (w / (total - v))), w / total),
    )
    const counts = [0, 0, 0, 0]
    const all = draws('mqar', { vocabulary: 64, length: 12, pairs: 2 }, 20_000)
    for (const { answers } of all) for (const { at } of answers) counts[(at[0]! - 4) / 2]!++
    for (const [i, p] of expected.entries())
      expect(Math.abs(counts[i]! / all.length - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / all.length))
  })

  test('all other tokens are drawn from the whole vocabulary', () => {
    const counts = Array.from({ length: 128 }, () => 0)
    for (const { ids, answers } of draws('mqar', options, 1000)) {
      const places = new Set(answers.map(({ at }) => at[0]))
      for (const [p, id] of ids.entries()) if (p >= 32 && !places.has(p)) counts[id]!++
    }
    const total = counts.reduce((a, b) => a + b, 0)
    expect(total).toBe(80_000)
    for (const count of counts) expect(Math.abs(count - total / 128)).toBeLessThan(4.5 * Math.sqrt(total / 128))
  })

  test('as many pairs as fit leave no room between the questions', () => {
    const [{ answers }] = draws('mqar', { vocabulary: 512, length: 256, pairs: 64 }, 1) as [Sequence]
    expect(answers.map(({ at }) => at[0]!).toSorted((a, b) => a - b)).toHaveLength(64)
    const full = draws('mqar', { vocabulary: 512, length: 64, pairs: 16 }, 1)[0]!
    expect(full.answers.map(({ at }) => at[0]!).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 16 }, (_, i) => 32 + 2 * i),
    )
  })
})

describe('what is asked for is what is drawn', () => {
  test('forgetting-mqar tells as many keys again, each a value that is new', () => {
    for (const { ids } of draws('forgetting-mqar', { vocabulary: 64, length: 96, pairs: 12, updates: 7 }, 50)) {
      const told = Array.from({ length: 19 }, (_, i) => [ids[2 * i]!, ids[2 * i + 1]!] as const)
      const [before, again] = [new Map(told.slice(0, 12)), told.slice(12)]
      expect(new Set(again.map(([key]) => key)).size).toBe(7)
      for (const [key, value] of again) {
        expect(before.has(key)).toBe(true)
        expect(value).not.toBe(before.get(key))
        expect(value).toBeGreaterThanOrEqual(32)
      }
    }
  })

  test('rewrite tells keys again, and never where they may not repeat', () => {
    const keys = (repeat: boolean) => {
      const [{ ids }] = draws('rewrite', { pairs: 16, repeat }, 1) as [Sequence]
      return new Set(Array.from({ length: 16 }, (_, i) => ids[4 * i])).size
    }
    expect(keys(true)).toBeLessThan(16)
    expect(keys(false)).toBe(16)
  })

  test('retrieval asks after exactly the distance asked for, or between the bounds', () => {
    for (const distance of [0, 128, 8192]) {
      const [{ ids, answers }] = draws('retrieval', { distance, facts: 1 }, 1) as [Sequence]
      expect(ids).toHaveLength(4 + distance + 2)
      expect(answers[0]!.distance).toBe(distance + 2)
    }
    const lengths = draws('retrieval', { distance: 100, nearest: 10, facts: 1 }, 500).map(({ ids }) => ids.length - 6)
    expect([Math.min(...lengths), Math.max(...lengths)]).toEqual([10, 100])
    // Evenly in the logarithm: half of them below the geometric mean
    expect(lengths.filter((length) => length < 32).length / 500).toBeCloseTo(0.5, 1)
  })

  test('retrieval never has a mark, key or value in its haystack', () => {
    for (const { ids } of draws('retrieval', { distance: 500 }, 5))
      expect(ids.slice(20, 520).every((id) => id < 65)).toBe(true)
  })

  test('chain is as deep as asked for and asks the end of one of its chains', () => {
    for (let depth = 1; depth <= 10; depth++) {
      const [{ ids }] = draws('chain', { depth, chains: 2 }, 1) as [Sequence]
      expect(ids).toHaveLength(2 * 3 + 2 * 5 * depth + 2)
      expect(ids.slice(-14, -2).filter((id) => id === ids.at(-1))).toHaveLength(1)
    }
  })

  test('lengths are drawn evenly between the shortest and the longest', () => {
    for (const name of ['parity', 'word-problem', 'modular', 'modular-brackets']) {
      const lengths = draws(name, { length: 10, shortest: 4 }, 500).map(({ ids }) => ids.length)
      const expected = name === 'modular' ? [4, 6, 8, 10] : [4, 5, 6, 7, 8, 9, 10]
      expect([...new Set(lengths)].toSorted((a, b) => a - b)).toEqual(expected)
    }
  })

  test('tracking tells what holds after every token where it should', () => {
    const [{ ids, targets, weights }] = draws('parity', { length: 12, everywhere: true }, 1) as [Sequence]
    let odd = 0
    expect(targets).toEqual(ids.map((bit) => (odd ^= bit)))
    expect(weights.every((weight) => weight === 1)).toBe(true)
    expect(draws('parity', { length: 12 }, 1)[0]!.weights.filter((w) => w > 0)).toHaveLength(1)
  })

  test('modular tells the value of every beginning that ends in a digit', () => {
    for (const { ids, targets, weights } of draws('modular', { length: 14, everywhere: true }, 50))
      for (const [at, weight] of weights.entries())
        if (weight > 0 && ids[at]! < 5)
          expect([targets[at]]).toEqual(readers['modular']!.read([...ids.slice(0, at + 1), 8], {}, []))
  })

  test('noisy recall has about the asked share of noise, and noise is never a key or a value', () => {
    const all = draws('noisy-recall', { length: 128 }, 100)
    const noise = all.flatMap(({ ids }) => ids.filter((id, i) => i % 2 === 0 && id >= 16)).length / (100 * 64)
    expect(noise).toBeCloseTo(0.2, 1)
    for (const { ids } of all) for (let i = 0; i + 1 < ids.length; i += 2) expect(ids[i]! >= 16).toBe(ids[i + 1]! >= 16)
  })

  test('memorization has one dictionary for all sequences, and another one for another seed', () => {
    const words = (dictionary: number) => {
      const found = new Map<number, number>()
      for (const { ids, targets } of draws('memorization', { dictionary }, 300))
        for (let i = 0; i < ids.length; i += 2) {
          expect(found.get(ids[i]!) ?? targets[i + 1]).toBe(targets[i + 1])
          found.set(ids[i]!, targets[i + 1]!)
        }
      return found
    }
    const [one, other] = [words(1), words(2)]
    expect(one.size).toBe(127)
    expect(new Set(one.values()).size).toBe(127)
    expect(one).not.toEqual(other)
  })
})
