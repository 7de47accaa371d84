import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { philox, uniform } from '../../../server/engine/philox.ts'
import { argmax, LargestOf } from '../../../server/engine/largest.ts'
import { LogitsError, sample, type History, type Sampling } from '../../../server/engine/sampler.ts'
import { candidates } from '../../support/reference-sampler.ts'
import { plainSampling } from '../../support/jobs.ts'

const NOTHING: History = { prompt: new Set(), generated: new Map() }
const logitsArbitrary = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 50 })
const samplingArbitrary = fc.record({
  temperature: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 2, noNaN: true })),
  topP: fc.double({ min: 0, max: 1, noNaN: true }),
  topK: fc.nat(60),
  minP: fc.double({ min: 0, max: 1, noNaN: true }),
  frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
  presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
  repetitionPenalty: fc.double({ min: 0.1, max: 10, noNaN: true }),
  seed: fc.maxSafeInteger(),
})

/** Words as their authors print them. */
function hex(words: readonly number[]): string {
  return words.map((word) => word.toString(16).padStart(8, '0')).join(' ')
}

/** How often each id is drawn in `draws` draws. */
function frequencies(logits: number[], sampling: Sampling, draws: number): number[] {
  const counts = logits.map(() => 0)
  for (let i = 0; i < draws; i++) {
    const { id } = sample(Float32Array.from(logits), sampling, NOTHING, 0, i)
    counts[id] = (counts[id] ?? 0) + 1
  }
  return counts.map((count) => count / draws)
}

describe('random numbers', () => {
  test('philox gives the known answers of its authors', () => {
    expect(hex(philox([0, 0, 0, 0], [0, 0]))).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8')
    const ones = 0xffffffff
    expect(hex(philox([ones, ones, ones, ones], [ones, ones]))).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd')
    const pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344] as const
    expect(hex(philox(pi, [0xa4093822, 0x299f31d0]))).toBe('d16cfe09 94fdcceb 5001e420 24126ea1')
  })

  test('streams and seeds are independent, also negative and large ones', () => {
    const seeds = [0, 1, -1, 2 ** 40, -(2 ** 40), Number.MAX_SAFE_INTEGER]
    const numbers = seeds.flatMap((seed) => [0, 1, 2].flatMap((stream) => [0, 1].map((i) => uniform(seed, stream, i))))
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.every((u) => u >= 0 && u < 1)).toBe(true)
  })
})

describe('the sampler', () => {
  test('always returns a token of the vocabulary, the same one for the same arguments', () => {
    fc.assert(
      fc.property(logitsArbitrary, samplingArbitrary, fc.nat(1000), (logits, fields, index) => {
        const sampling = { ...plainSampling, ...fields }
        const history: History = { prompt: new Set([0]), generated: new Map([[logits.length - 1, 3]]) }
        const draw = sample(Float32Array.from(logits), sampling, history, 0, index)
        expect(draw.id).toBeGreaterThanOrEqual(0)
        expect(draw.id).toBeLessThan(logits.length)
        expect(sample(Float32Array.from(logits), sampling, history, 0, index)).toEqual(draw)
      }),
    )
  })

  test('draws exactly the tokens that a plain sampler would, as often as it would', () => {
    const settings = fc.record({
      temperature: fc.constantFrom(0.3, 0.8, 1, 1.7),
      topP: fc.constantFrom(0.05, 0.5, 0.9, 0.999, 1),
      topK: fc.constantFrom(0, 1, 3, 17, 500),
      minP: fc.constantFrom(0, 0.02, 0.3),
    })
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.nat(),
        fc.constantFrom(0.5, 2, 8),
        settings,
        (size, seed, spread, fields) => {
          // With ties: values are rounded.
          const logits = Float32Array.from(
            { length: size },
            (_, i) => Math.round(uniform(seed, 9, i) * spread * 64) / 64,
          )
          const expected = candidates(logits, { ...plainSampling, ...fields })
          const sampling = { ...plainSampling, ...fields, seed }
          const counts = new Map<number, number>()
          const draws = 600
          for (let i = 0; i < draws; i++) {
            const { id } = sample(logits, sampling, NOTHING, 0, i)
            counts.set(id, (counts.get(id) ?? 0) + 1)
          }
          // A sum that reaches topP to within rounding may end one token earlier or later.
          const allowed = candidates(logits, { ...plainSampling, ...fields, topP: Math.min(1, fields.topP + 1e-6) })
          for (const id of counts.keys()) expect(allowed.map((one) => one.id)).toContain(id)
          for (const { id, probability } of expected) {
            const deviation = Math.sqrt((probability * (1 - probability)) / draws)
            expect(Math.abs((counts.get(id) ?? 0) / draws - probability)).toBeLessThan(6 * deviation + 0.01)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('the largest numbers are found as sorting finds them, ties by the lower index', () => {
    const find = new LargestOf()
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 80 }),
        fc.nat(90),
        (numbers, count) => {
          const values = Float32Array.from(numbers)
          const sorted = numbers
            .map((_, i) => i)
            .toSorted((a, b) => (numbers[b] as number) - (numbers[a] as number) || a - b)
          expect([...find.find(values, count)]).toEqual(sorted.slice(0, count))
          expect(argmax(values, () => new Error('none'))).toBe(sorted[0])
        },
      ),
    )
  })

  test('NaN is seen wherever it is', () => {
    for (let size = 1; size < 40; size++)
      for (let at = 0; at < size; at++) {
        const values = Float32Array.from({ length: size }, (_, i) => (i === at ? NaN : -i))
        expect(() => argmax(values, (value) => new RangeError(String(value)))).toThrow('NaN')
      }
  })

  test('temperature 0 takes the likeliest token, ties by the lower id', () => {
    expect(sample(Float32Array.of(1, 3, 3, 2), { ...plainSampling, temperature: 0 }, NOTHING, 0, 0).id).toBe(1)
  })

  test('temperature 1 draws by the softmax', () => {
    const [a, b] = frequencies([0, Math.log(3)], plainSampling, 4000) as [number, number]
    expect(a).toBeCloseTo(0.25, 1)
    expect(b).toBeCloseTo(0.75, 1)
  })

  test('a tiny temperature is greedy, not NaN', () => {
    expect(frequencies([1, 2, 1.9], { ...plainSampling, temperature: 1e-308 }, 20)).toEqual([0, 1, 0])
  })

  test('top_k, top_p and min_p each cut what they say', () => {
    const logits = [Math.log(0.5), Math.log(0.3), Math.log(0.15), Math.log(0.05)]
    const drawn = (sampling: Partial<Sampling>): boolean[] =>
      frequencies(logits, { ...plainSampling, ...sampling }, 400).map((share) => share > 0)
    expect(drawn({})).toEqual([true, true, true, true])
    expect(drawn({ topK: 2 })).toEqual([true, true, false, false])
    expect(drawn({ topP: 0.79 })).toEqual([true, true, false, false])
    expect(drawn({ topP: 0.81 })).toEqual([true, true, true, false])
    expect(drawn({ topP: 0 })).toEqual([true, false, false, false])
    expect(drawn({ minP: 0.2 })).toEqual([true, true, true, false])
    expect(drawn({ topK: 3, minP: 0.5 })).toEqual([true, true, false, false])
  })

  test('top_k keeps exactly k of equally likely tokens', () => {
    expect(frequencies([1, 1, 1, 1], { ...plainSampling, topK: 2 }, 200).filter((share) => share > 0)).toHaveLength(2)
  })

  test('frequency counts, presence does not, repetition sees the prompt too', () => {
    const greedy = { ...plainSampling, temperature: 0 }
    const pick = (sampling: Partial<Sampling>, history: Partial<History>): number =>
      sample(Float32Array.of(3, 2.5), { ...greedy, ...sampling }, { ...NOTHING, ...history }, 0, 0).id
    expect(pick({ frequencyPenalty: 0.2 }, { generated: new Map([[0, 2]]) })).toBe(0)
    expect(pick({ frequencyPenalty: 0.2 }, { generated: new Map([[0, 3]]) })).toBe(1)
    expect(pick({ presencePenalty: 0.4 }, { generated: new Map([[0, 9]]) })).toBe(0)
    expect(pick({ presencePenalty: 0.6 }, { generated: new Map([[0, 1]]) })).toBe(1)
    expect(pick({ presencePenalty: 0.6 }, { prompt: new Set([0]) })).toBe(0)
    expect(pick({ repetitionPenalty: 1.5 }, { prompt: new Set([0]) })).toBe(1)
  })

  test('logit_bias forbids and forces', () => {
    expect(frequencies([5, 1], { ...plainSampling, logitBias: [[0, -100]] }, 50)).toEqual([0, 1])
    expect(frequencies([5, 1], { ...plainSampling, logitBias: [[1, 100]] }, 50)).toEqual([0, 1])
  })

  test('log-probabilities are those of the model, whatever the temperature', () => {
    const draw = sample(
      Float32Array.of(0, Math.log(3)),
      { ...plainSampling, temperature: 0, logprobs: 2 },
      NOTHING,
      0,
      0,
    )
    expect(draw.logprob).toBeCloseTo(Math.log(0.75), 6)
    expect(draw.top.map(({ id }) => id)).toEqual([1, 0])
    expect(draw.top[1]?.logprob).toBeCloseTo(Math.log(0.25), 6)
  })

  test('NaN, +Infinity and nothing possible are refused; -Infinity is a token that cannot be', () => {
    for (const logits of [
      [NaN, 1],
      [1, Infinity],
      [-Infinity, -Infinity],
    ]) {
      expect(() => sample(Float32Array.from(logits), plainSampling, NOTHING, 0, 0)).toThrow(LogitsError)
    }
    expect(frequencies([-Infinity, 0], plainSampling, 20)).toEqual([0, 1])
  })
})
