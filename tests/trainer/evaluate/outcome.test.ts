/** Scores of answered questions. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Outcome, scoresOf, wordF1 } from '../../../trainer/evaluate/outcome.ts'

const outcome = (isRight: boolean, confidence: number | null, changes: Partial<Outcome> = {}): Outcome => ({
  id: '0',
  isRight,
  abstains: false,
  confidence,
  f1: null,
  latency: 10,
  tokens: 5,
  ...changes,
})

describe('scoresOf', () => {
  test('a model that is as sure as it is right is calibrated, and its surest answers are the right ones', () => {
    const outcomes = [
      ...Array.from({ length: 9 }, () => outcome(true, 0.9)),
      outcome(false, 0.9),
      ...Array.from({ length: 2 }, () => outcome(true, 0.4)),
      ...Array.from({ length: 3 }, () => outcome(false, 0.4)),
    ]
    const scores = scoresOf(outcomes, 0.25)
    expect(scores.accuracy).toMatchObject({ right: 11, asked: 15 })
    expect(scores.ece).toBeCloseTo(0, 12)
    expect(scores.brier).toBeCloseTo((9 * 0.01 + 0.81 + 2 * 0.36 + 3 * 0.16) / 15, 12)
    expect(scores.hallucination).toMatchObject({ right: 1, asked: 15 })
    expect(scores.coverage.at(-1)).toEqual({ coverage: 1, risk: 4 / 15 })
    expect(scores.chance).toBe(0.25)
  })

  test('what is refused is neither risk nor hallucination, and lowers accuracy', () => {
    const scores = scoresOf([outcome(true, 0.5), outcome(false, 0.95, { abstains: true })], 0)
    expect(scores).toMatchObject({ abstained: 1, hallucination: { right: 0 }, accuracy: { right: 1, asked: 2 } })
    expect(scores.coverage).toEqual([{ coverage: 1, risk: 0 }])
  })

  test('without confidences there is no calibration, and without outcomes there are no scores', () => {
    expect(scoresOf([outcome(true, null)], 0)).toMatchObject({
      ece: null,
      brier: null,
      aurc: null,
      hallucination: null,
    })
    expect(() => scoresOf([], 0)).toThrow('expected outcomes, got none')
  })

  test('risk at full coverage is the share of wrong answers, and every score lies between 0 and 1', () => {
    const answers = fc.array(fc.tuple(fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1 })
    fc.assert(
      fc.property(answers, (given) => {
        const { ece, brier, aurc, coverage } = scoresOf(
          given.map(([isRight, confidence]) => outcome(isRight, confidence)),
          0,
        )
        for (const score of [ece, brier, aurc]) {
          expect(score).toBeGreaterThanOrEqual(0)
          expect(score).toBeLessThanOrEqual(1)
        }
        const wrong = given.filter(([isRight]) => !isRight).length / given.length
        const last = coverage.find(({ coverage: share }) => share === 1)
        if (last) expect(last.risk).toBeCloseTo(wrong, 12)
      }),
    )
  })
})

describe('wordF1', () => {
  test.each([
    ['The cat sat.', 'a cat sat', 1],
    ['the dog', 'the cat', 0],
    ['Paris, of course', 'Paris', 0.5],
    ['', 'Paris', 0],
  ])('%j and %j', (reply, answer, f1) => expect(wordF1(reply, answer)).toBeCloseTo(f1, 12))
})
