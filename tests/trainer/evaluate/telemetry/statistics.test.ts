import { describe, expect, test } from 'vitest'
import { retentionOf } from '../../../../trainer/evaluate/telemetry/retention.ts'
import { singularValues } from '../../../../trainer/evaluate/telemetry/singular-values.ts'
import {
  cosine,
  effectiveRank,
  entropy,
  halfLife,
  remainder,
  slotCosine,
} from '../../../../trainer/evaluate/telemetry/statistics.ts'
import { TapStatistics } from '../../../../trainer/evaluate/telemetry/taps.ts'

const floats = (...values: number[]): Float32Array => Float32Array.from(values)

describe('rank', () => {
  test('singular values are those of a rotated stretch, tall or wide', () => {
    const [c, s] = [Math.cos(0.3), Math.sin(0.3)]
    // Rotation times diag(3, 0.5), then a column of zeros
    const wide = [3 * c, -0.5 * s, 0, 3 * s, 0.5 * c, 0]
    const tall = [3 * c, 3 * s, -0.5 * s, 0.5 * c, 0, 0]
    for (const found of [singularValues(wide, 2, 3), singularValues(tall, 3, 2)]) {
      expect(found[0]).toBeCloseTo(3, 10)
      expect(found[1]).toBeCloseTo(0.5, 10)
    }
  })

  test('the effective rank of the identity is its size, of one direction 1, of zeros 0', () => {
    expect(effectiveRank(floats(1, 0, 0, 0, 1, 0, 0, 0, 1), [3, 3])).toBeCloseTo(3, 6)
    expect(effectiveRank(floats(1, 2, 3, 2, 4, 6), [2, 3])).toBeCloseTo(1, 4)
    expect(effectiveRank(floats(0, 0, 0, 0), [2, 2])).toBe(0)
  })

  test('the effective rank lies between, and is the mean over matrices', () => {
    const between = Math.exp(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25))
    expect(effectiveRank(floats(3, 0, 0, 1), [2, 2])).toBeCloseTo(between, 6)
    expect(effectiveRank(floats(3, 0, 0, 1, 1, 0, 0, 1), [2, 2, 2])).toBeCloseTo((between + 2) / 2, 6)
  })

  test('slots that are the same have cosine 1; zeros are left out', () => {
    expect(slotCosine(floats(1, 1, 2, 2, 0, 0), [3, 2])).toBeCloseTo(1, 6)
    expect(slotCosine(floats(1, 0, 0, 1, -1, 0), [3, 2])).toBeCloseTo(-1 / 3, 6)
    expect(slotCosine(floats(1, 0, 0, 0), [2, 2])).toBeNull()
  })
})

describe('movement', () => {
  test('the cosine sees a rotation and not a stretch', () => {
    expect(cosine([1, 0], [5 * Math.cos(0.2), 5 * Math.sin(0.2)])).toBeCloseTo(Math.cos(0.2), 12)
    expect(cosine([1, 0], [0, 0])).toBeNull()
  })

  test('what is left of a vector is measured along it', () => {
    expect(remainder([1, 7], [2, 0])).toBe(0.5)
    expect(remainder([1, 7], [0, 0])).toBeNull()
  })

  test('the half-life of an exact exponential is found, between points too', () => {
    const curve = (step: number) =>
      Array.from({ length: 12 }, (_, i) => ({ at: i * step, value: 0.5 ** ((i * step) / 8) }))
    expect(halfLife(curve(1))).toBeCloseTo(8, 6)
    expect(halfLife(curve(3))).toBeCloseTo(6 + (3 * (0.5 ** 0.75 - 0.5)) / (0.5 ** 0.75 - 0.5 ** 1.125), 6)
    expect(
      halfLife([
        { at: 0, value: 1 },
        { at: 4, value: 0.6 },
      ]),
    ).toBeNull()
  })
})

describe('retention', () => {
  /** Slot 0 shrinks by half in 4 tokens, slot 1 turns a right angle in 8, slot 2 stays, slot 3 is never written. */
  const at = (t: number) =>
    floats(0.5 ** (t / 4), 0, Math.cos((t * Math.PI) / 16), Math.sin((t * Math.PI) / 16), 0, 2, 0, 0)

  test('each slot has its half-life; the cosine does not see one that shrinks', () => {
    const measured = Array.from({ length: 9 }, (_, t) => [at(t)])
    const only = (slot: number) =>
      retentionOf(
        measured.map(([d]) => [d!.subarray(2 * slot, 2 * slot + 2)]),
        1,
        2,
      )
    expect(only(0)).toMatchObject({ cosineHalfLife: null, censored: 0, slots: 1 })
    expect(only(0).halfLife).toBeCloseTo(4, 5)
    // cos(60 degrees) is a half
    expect(only(1).halfLife).toBeCloseTo(16 / 3, 1)
    expect(only(1).cosineHalfLife).toBeCloseTo(16 / 3, 1)
    expect(only(2)).toMatchObject({ halfLife: null, cosineHalfLife: null, censored: 1, slots: 1 })
    expect(only(3)).toEqual({ curve: [], halfLife: null, cosineHalfLife: null, censored: 0, slots: 0 })
    const all = retentionOf(measured, 1, 2)
    expect(all).toMatchObject({ censored: 1 / 3, slots: 3 })
    expect(all.halfLife).toBeCloseTo(16 / 3, 1)
    expect(all.curve[4]!.value).toBeCloseTo((0.5 + Math.cos(Math.PI / 4) + 4) / 6, 6)
  })

  test('time begins where the first difference is seen', () => {
    const late = [[floats(0, 0)], [floats(0, 0)], [floats(1, 0)], [floats(0.75, 0)], [floats(0.25, 0)]]
    expect(retentionOf(late, 8, 2).halfLife).toBeCloseTo(12, 6)
  })

  test('a curve is the mean over the pairs that wrote', () => {
    const pairs = [
      [floats(1, 0), floats(2, 0), floats(0, 0)],
      [floats(1, 0), floats(0, 0), floats(0, 0)],
    ]
    expect(retentionOf(pairs, 1, 2).curve.map(({ value }) => value)).toEqual([1, 0.5])
  })
})

describe('what is taps', () => {
  test('a gate has a mean and a variance and no usage', () => {
    const taps = new TapStatistics()
    taps.add('gate', [0.25, 0.75], 2)
    taps.add('gate', [0.25, 0.25], 2)
    const [gate] = taps.results()
    expect(gate).toEqual({ name: 'gate', mean: 0.375, variance: 3 / 64, min: 0.25, max: 0.75 })
  })

  test('probabilities have a usage: what is used on the whole and at a time', () => {
    const taps = new TapStatistics()
    taps.add('experts', [1, 0, 0, 0, 0, 1, 0, 0], 4)
    const { usage } = taps.results()[0]!
    expect(usage).toMatchObject({ choices: 4, evenness: 0.5, atATime: 1 })
    expect(usage!.effective).toBeCloseTo(2, 12)
    expect(entropy([0, 0])).toBe(0)
  })
})
