/** Rewards, baselines, intervals and latencies on tables with known answers. */
import { describe, expect, test } from 'vitest'
import { Random } from '../../../trainer/random.ts'
import {
  bestThresholds,
  fitLogistic,
  logisticRegression,
  nearestNeighbours,
  oracle,
  type Policy,
  policyOf,
  randomAtRate,
} from '../../../trainer/stages/controller/baselines.ts'
import { bootstrapInterval } from '../../../trainer/stages/controller/bootstrap.ts'
import { compare } from '../../../trainer/stages/controller/comparison.ts'
import { rewardOf, uncertaintyReward } from '../../../trainer/stages/controller/reward.ts'
import { gateTargets, scoreOf, type Turn } from '../../../trainer/stages/controller/turns.ts'
import { differentCombinations, fitLatency, leastSquares } from '../../../trainer/stages/environment/outcomes.ts'
import { recallAtOne } from '../../../trainer/stages/retrieval/batches.ts'
import { only, toyTurn } from './turns.ts'

/** The semantic gate is right to be open where the first feature is 1. */
const table = Array.from({ length: 60 }, (_, i) =>
  toyTurn(Math.floor(i / 2) % 10, i % 2, (isSemantic) => isSemantic === (i % 2 === 1)),
)
const rewardBy = (policy: Policy, turns: readonly Turn[] = table): number =>
  turns.reduce((sum, turn) => sum + scoreOf(turn, policy.choose(turn), 1).reward, 0) / turns.length
/** Half of the turns pay for open semantic gates. */
const PERFECT = 1 - 0.2 * (0.5 + 0.2 / 2)

describe('the reward', () => {
  test.each([
    [only(), { isRight: true, latency: 0, activeShare: 1 }, 1 - 0.2 * 0.5],
    [only(), { isRight: false, latency: 150, activeShare: 0.5 }, -1 - 0.3 - 0.2 * 0.25],
    [only('semantic', 'episodic'), { isRight: true, latency: 75, activeShare: 1 }, 1 - 0.15 - 0.2],
    [only('verification', 'early_exit'), { isRight: true, latency: 300, activeShare: 1 }, 1 - 0.6 - 0.1],
  ])('combination %i, %j: %f', (combination, outcome, reward) => {
    expect(rewardOf(combination, outcome)).toBeCloseTo(reward, 12)
  })

  test('its term on the uncertainty is the squared distance to whether the reply was wrong', () => {
    expect(uncertaintyReward(0.2, true)).toBeCloseTo(-0.5 * 0.04, 12)
    expect(uncertaintyReward(0.2, false)).toBeCloseTo(-0.5 * 0.64, 12)
  })
})

test('combinations that differ in gates that cannot be opened are one', () => {
  expect(differentCombinations(only('semantic', 'verification'))).toEqual([
    0,
    only('semantic'),
    only('verification'),
    only('semantic', 'verification'),
  ])
})

test('targets open the gates of the best outcome', () => {
  const [closed, open] = [gateTargets(table[0]!), gateTargets(table[1]!)]
  expect(closed[2]).toBeLessThan(1e-6)
  expect(open[2]).toBeGreaterThan(1 - 1e-6)
  expect([open[0], open[1], open[3], open[4]]).toEqual([0, 0, 0, 0])
})

describe('baselines', () => {
  test.each<[string, () => Policy]>([
    ['the oracle', () => oracle],
    ['the best threshold', () => bestThresholds(table)[0]!.policy],
    ['logistic regression', () => logisticRegression(table)],
    ['nearest neighbours', () => nearestNeighbours(table)],
  ])('%s is right in a table that one feature decides', (_, make) => {
    expect(rewardBy(make())).toBeCloseTo(PERFECT, 9)
  })

  test('the best threshold is on the feature that decides, at its value', () => {
    expect(bestThresholds(table)[0]).toMatchObject({
      feature: 'uncertainty',
      from: 1,
      below: only(),
      above: only('semantic'),
    })
  })

  test('random at the rate of another policy opens as often and is right half of the time', () => {
    const score = table.map((turn) => scoreOf(turn, randomAtRate(table, oracle).choose(turn), 1))
    expect(score.reduce((sum, { right }) => sum + right, 0) / table.length).toBeCloseTo(0.5, 9)
    expect(score[0]!.compute).toBeCloseTo(0.5 + 0.2 / 2, 9)
  })

  test('logistic regression finds the odds of a table of counts', () => {
    const inputs = Array.from({ length: 200 }, (_, i) => [1, i % 2])
    const targets = inputs.map(([, x], i) => Number(x === 1 ? i % 8 !== 1 : i % 8 === 0))
    const [constant, slope] = fitLogistic(inputs, targets) as [number, number]
    expect(Math.abs(constant - Math.log(1 / 3))).toBeLessThan(0.25)
    expect(Math.abs(constant + slope - Math.log(3))).toBeLessThan(0.25)
  })
})

test('a comparison says which share of the gap to the oracle is closed', () => {
  // A feature that says nothing: no threshold is better than a constant
  const blind = table.map((turn) => ({ ...turn, features: turn.features.map(() => 0.5) }))
  const perfect = {
    ...policyOf('perfect', (turn) => [...oracle.choose(turn).keys()][0]!),
    uncertainty: new Map(blind.map((turn) => [turn, 0])),
  }
  const { rows, difference } = compare(blind, blind, [{ name: 'ours', controllers: [perfect, perfect] }], 1)
  const rowOf = (name: string) => rows.find((row) => row.name === name)!
  expect(rowOf('ours').closed).toBeCloseTo(1, 9)
  expect(rowOf('all gates closed').closed).toBeCloseTo(0, 1)
  expect(difference.interval[0]).toBeGreaterThan(0.5)
  expect(rowOf('oracle').accuracy).toBe(1)
})

describe('bootstrap intervals', () => {
  const mean = (rows: readonly { readonly x: number }[]): number =>
    rows.reduce((sum, { x }) => sum + x, 0) / rows.length

  test('of independent rows are about those of a normal distribution', () => {
    const random = new Random('rows')
    const rows = Array.from({ length: 400 }, (_, user) => ({ user, x: random.normal() }))
    const [low, high] = bootstrapInterval(rows, mean, new Random(1))
    expect(high - low).toBeGreaterThan((2 * 1.96 * 0.8) / 20)
    expect(high - low).toBeLessThan((2 * 1.96 * 1.2) / 20)
  })

  test('do not narrow where a user is counted many times', () => {
    const random = new Random('users')
    const users = Array.from({ length: 30 }, (_, user) => ({ user, x: random.normal() }))
    const [low, high] = bootstrapInterval(users, mean, new Random(1))
    const repeated = bootstrapInterval(
      users.flatMap((one) => [one, one, one, one]),
      mean,
      new Random(1),
    )
    expect(repeated[0]).toBeCloseTo(low, 9)
    expect(repeated[1]).toBeCloseTo(high, 9)
  })
})

test('the latency model finds what replies are made of, whatever the slowest took', () => {
  const random = new Random('latency')
  const { runs: _, ...rest } = { ...toyTurn(0, 0, () => true), runs: {} }
  const outcomes = Array.from({ length: 60 }, (_, i) => {
    const run = (combination: number) => {
      const [prompt, generated] = [random.between(10, 200), random.between(2, 40)]
      const delay = i % 20 === 0 ? 500 : 0
      const latency = 5 + 0.2 * prompt + 3 * generated + (combination === 0 ? 0 : 8) + delay
      return { isRight: true, tokens: prompt + generated, generated, latency, modelled: null, reply: '' }
    }
    const verified = only('verification')
    return {
      ...rest,
      question: '',
      query: [],
      features: [],
      byThreshold: { ...run(0), combination: 0 },
      runs: { 0: run(0), [verified]: run(verified) },
    }
  })
  const model = fitLatency(outcomes)
  for (const [found, wanted] of [
    [model.msPerReply, 5],
    [model.msPerPromptToken, 0.2],
    [model.msPerReplyToken, 3],
    [model.msOfVerification, 8],
  ] as const)
    expect(found).toBeCloseTo(wanted, 2)
  expect(
    leastSquares(
      [
        [1, 0],
        [1, 1],
        [1, 2],
      ],
      [1, 3, 5],
    )[1],
  ).toBeCloseTo(2, 4)
})

test('recall@1 counts queries whose own key is the nearest', () => {
  const keys = Float32Array.from([1, 0, 0, 1, -1, 0])
  expect(recallAtOne(Float32Array.from([1, 0, 0, 1, 0, 1]), keys, 2)).toBeCloseTo(2 / 3, 9)
})
