import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { learningRateShare, type Schedule, type ScheduleKind } from '../../../trainer/run/schedule.ts'

const kinds: ScheduleKind[] = ['cosine', 'linear', 'constant', 'wsd']
const schedules = fc
  .record({
    kind: fc.constantFrom(...kinds),
    steps: fc.integer({ min: 10, max: 500 }),
    warmupShare: fc.double({ min: 0, max: 0.5, noNaN: true }),
    minRatio: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ kind, steps, warmupShare, minRatio }): Schedule => ({
    kind,
    steps,
    minRatio,
    warmup: Math.floor(steps * warmupShare),
  }))

const curve = (schedule: Schedule): number[] =>
  Array.from({ length: schedule.steps + 20 }, (_, step) => learningRateShare(schedule, step))

describe('learningRateShare', () => {
  test('it stays between 0 and 1 and is 1 when the warm-up ends', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const shares = curve(schedule)
        expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true)
        expect(shares[Math.max(0, schedule.warmup - 1)]).toBeCloseTo(1, 12)
      }),
    )
  })

  test('it rises strictly in the warm-up and never after it', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const shares = curve(schedule)
        shares.forEach((share, step) => {
          const before = shares[step - 1] ?? 0
          if (step < schedule.warmup) expect(share).toBeGreaterThan(before)
          else if (step > 0) expect(share).toBeLessThanOrEqual(before + 1e-12)
        })
      }),
    )
  })

  test('it ends at the smallest share and stays there, but for a constant one', () => {
    fc.assert(
      fc.property(schedules, (schedule) => {
        const expected = schedule.kind === 'constant' ? 1 : schedule.minRatio
        for (const step of [schedule.steps - 1, schedule.steps, schedule.steps + 100]) {
          expect(learningRateShare(schedule, step)).toBeCloseTo(expected, 12)
        }
      }),
    )
  })

  test('half way, cosine and linear are at the mean of 1 and the smallest share', () => {
    for (const kind of ['cosine', 'linear'] as const) {
      expect(learningRateShare({ kind, steps: 101, warmup: 0, minRatio: 0.2 }, 50)).toBeCloseTo(0.6, 12)
    }
  })

  test('wsd is flat until its decay begins', () => {
    const schedule: Schedule = { kind: 'wsd', steps: 100, warmup: 10, minRatio: 0, decay: 0.3 }
    expect(
      curve(schedule)
        .slice(10, 71)
        .every((share) => share === 1),
    ).toBe(true)
    expect(learningRateShare(schedule, 72)).toBeLessThan(1)
  })
})
