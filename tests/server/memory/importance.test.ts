import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { importanceOf, retentionOf } from '../../../server/memory/importance.ts'

const nothing = { facts: 0, corrections: 0 }
const DAY = 24 * 60 * 60 * 1000

test('facts, corrections, numbers, names and length each make a turn more important', () => {
  const least = importanceOf('and then?', nothing)
  for (const more of [
    importanceOf('and then?', { facts: 1, corrections: 0 }),
    importanceOf('and then?', { facts: 0, corrections: 1 }),
    importanceOf('and 4071?', nothing),
    importanceOf('and then Minka?', nothing),
    importanceOf('and then? '.repeat(20), nothing),
  ])
    expect(more).toBeGreaterThan(least)
})

test('importance is above 0 and at most 1, whatever is written', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(), (text, facts, corrections) => {
      const importance = importanceOf(text, { facts, corrections })
      expect(importance).toBeGreaterThan(0)
      expect(importance).toBeLessThanOrEqual(1)
    }),
  )
})

test('retention orders turns as importance x (1 + reads) x exp(-age / 30 days) does, at any time', () => {
  const turn = fc.record({
    importance: fc.double({ min: 0.1, max: 1, noNaN: true }),
    reads: fc.nat(20),
    created: fc.integer({ min: 0, max: 1000 }).map((days) => days * DAY),
  })
  fc.assert(
    fc.property(turn, turn, fc.integer({ min: 1000, max: 1100 }), (a, b, day) => {
      const worth = ({ importance, reads, created }: typeof a): number =>
        importance * (1 + reads) * Math.exp(-(day * DAY - created) / (30 * DAY))
      const [of, and] = [a, b].map((one) => retentionOf(one.importance, one.reads, one.created)) as [number, number]
      if (Math.abs(of - and) > 1e-6) expect(worth(a) > worth(b)).toBe(of > and)
    }),
  )
})
