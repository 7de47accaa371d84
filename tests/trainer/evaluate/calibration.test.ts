import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { surest, tempered, verdictLogits } from '../../../runtime/critic.ts'
import { auroc, fitTemperature, leastProbability } from '../../../trainer/evaluate/calibration.ts'
import { Random } from '../../../trainer/random.ts'

/** Labels drawn from the probabilities of logits, which are then too sure or too unsure by a factor. */
function labelled(factor: number) {
  const random = new Random(`labels ${factor}`)
  return Array.from({ length: 3000 }, () => {
    const logits = [0, 1, 2].map(() => 4 * random.uniform() - 2)
    const drawn = random.uniform()
    const [a = 0, b = 0] = tempered(logits, 1)
    const label = drawn < a ? 0 : drawn < a + b ? 1 : 2
    return { logits: logits.map((logit) => logit * factor), label }
  })
}

test.each([0.5, 1, 3])('a temperature of %d is recovered', (factor) => {
  expect(fitTemperature(labelled(factor)) / factor).toBeCloseTo(1, 1)
})

test('from the least probability on, no more than the risk is wrong', () => {
  const said = [0.99, 0.9, 0.8, 0.7, 0.6].map((probability) => ({ probability, isRight: probability !== 0.7 }))
  expect(leastProbability(said, 0)).toBe(0.8)
  expect(leastProbability(said, 0.2)).toBe(0.6)
  expect(leastProbability([{ probability: 0.9, isRight: false }], 0.1)).toBe(1)
})

test('the area under the curve is the share of pairs that stand in their order, ties as half', () => {
  const scores = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(scores, scores, (positive, negative) => {
      const pairs = positive.flatMap((p) => negative.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)))
      expect(auroc(positive, negative)).toBeCloseTo(pairs.reduce<number>((a, b) => a + b, 0) / pairs.length, 9)
    }),
  )
})

test('labels of natural language inference are read by their names, others are not', () => {
  expect(verdictLogits(['CONTRADICTION', 'neutral', 'entailment'])).toEqual({
    contradicted: 0,
    unchecked: 1,
    supported: 2,
  })
  expect(verdictLogits(['entailment', 'not_entailment'])).toBeNull()
  expect(verdictLogits(['LABEL_0', 'LABEL_1', 'LABEL_2'])).toBeNull()
})

test('below the least probability nothing is said', () => {
  const judged = [
    { evidence: 'a', probabilities: { supported: 0.6, contradicted: 0.1, unchecked: 0.3 } },
    { evidence: 'b', probabilities: { supported: 0.1, contradicted: 0.7, unchecked: 0.2 } },
  ]
  expect(surest(judged, 0.7)).toEqual({ verdict: 'contradicted', probability: 0.7, evidence: 'b' })
  expect(surest(judged, 0.71)).toBeNull()
})
