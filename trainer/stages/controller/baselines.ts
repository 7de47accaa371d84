/** What a controller has to beat: policies that are constant, drawn, a threshold, a regression, neighbours, or omniscient. */
import { FEATURE_NAMES, GATES } from '../../../runtime/controller-features.ts'
import { bitsOf, type Combination, COMBINATIONS } from './reward.ts'
import { bestCombination, type Turn } from './turns.ts'

export interface Policy {
  readonly name: string
  /** Which combinations are chosen for a turn, with what probability. */
  choose(turn: Turn): ReadonlyMap<Combination, number>
}

export const policyOf = (name: string, decide: (turn: Turn) => Combination): Policy => ({
  name,
  choose: (turn) => new Map([[decide(turn), 1]]),
})

export const always = policyOf('all gates open', () => COMBINATIONS - 1)
export const never = policyOf('all gates closed', () => 0)
export const oracle = policyOf('oracle', ({ rewards }) => bestCombination(rewards))

/** Opens each gate as often as another policy does, at random. */
export function randomAtRate(turns: readonly Turn[], other: Policy): Policy {
  const rates = GATES.map((_, gate) => {
    const open = turns.map((turn) => [...other.choose(turn)].reduce((sum, [c, p]) => sum + p * bitsOf(c)[gate]!, 0))
    return open.reduce((a, b) => a + b, 0) / turns.length
  })
  const probabilities = new Map(
    Array.from({ length: COMBINATIONS }, (_, c) => {
      const p = bitsOf(c).reduce((product, bit, gate) => product * (bit === 1 ? rates[gate]! : 1 - rates[gate]!), 1)
      return [c, p] as const
    }),
  )
  return { name: `random, each gate as often as ${other.name}`, choose: () => probabilities }
}

/** The constant combination with the best mean reward. */
export function bestConstant(turns: readonly Turn[]): Policy {
  const combination = bestCombination(sumOfRewards(turns))
  return policyOf(`the best constant combination (${namesOf(combination)})`, () => combination)
}

export interface Threshold {
  readonly feature: string
  readonly from: number
  readonly below: Combination
  readonly above: Combination
  /** Mean reward of the turns that it was fitted to. */
  readonly reward: number
  readonly policy: Policy
}

/** Values that are tried of a feature. */
const MOST_THRESHOLDS = 24

/** The best threshold of each single feature, the best feature first: one combination from it on, another below. */
export function bestThresholds(turns: readonly Turn[]): Threshold[] {
  return FEATURE_NAMES.map((feature, at) => bestThreshold(turns, feature, at)).toSorted((a, b) => b.reward - a.reward)
}

function bestThreshold(turns: readonly Turn[], feature: string, at: number): Threshold {
  const values = [...new Set(turns.map(({ features }) => features[at]!))].toSorted((a, b) => a - b)
  const step = Math.max(1, Math.ceil(values.length / MOST_THRESHOLDS))
  const tried = values.filter((_, i) => i % step === 0)
  let best: Omit<Threshold, 'feature' | 'policy'> | undefined
  for (const from of tried) {
    const [low, high] = [false, true].map((isAbove) =>
      sumOfRewards(turns.filter(({ features }) => features[at]! >= from === isAbove)),
    ) as [number[], number[]]
    const [below, above] = [bestCombination(low), bestCombination(high)]
    const reward = (low[below]! + high[above]!) / turns.length
    if (!best || reward > best.reward) best = { from, below, above, reward }
  }
  const { from, below, above, reward } = best!
  const name = `threshold: ${feature} >= ${Number(from.toFixed(3))} ? ${namesOf(above)} : ${namesOf(below)}`
  const decide = ({ features }: Turn): Combination => (features[at]! >= from ? above : below)
  return { feature, from, below, above, reward, policy: policyOf(name, decide) }
}

const sumOfRewards = (turns: readonly Turn[]): number[] =>
  Array.from({ length: COMBINATIONS }, (_, c) => turns.reduce((sum, { rewards }) => sum + rewards[c]!, 0))

/** The open gates by name. */
export function namesOf(combination: Combination): string {
  const open = GATES.filter((_, gate) => bitsOf(combination)[gate] === 1)
  return open.length === 0 ? 'none' : open.join(' + ')
}

/** Features as they are compared: zero mean and unit variance over the turns of training; constants are left out. */
function standardised(turns: readonly Turn[]): (turn: Turn) => number[] {
  const columns = turns[0]!.features
    .map((_, at) => {
      const values = turns.map(({ features }) => features[at]!)
      const mean = values.reduce((a, b) => a + b, 0) / values.length
      const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)
      return { at, mean, deviation }
    })
    .filter(({ deviation }) => deviation > 1e-9)
  return ({ features }) => columns.map(({ at, mean, deviation }) => (features[at]! - mean) / deviation)
}

/** How many neighbours are tried. */
const NEIGHBOURS = [4, 8, 16, 32, 64] as const

/** The best mean reward among the turns of training with the most similar features; their number by leaving one out. */
export function nearestNeighbours(turns: readonly Turn[]): Policy {
  const place = standardised(turns)
  const points = turns.map((turn) => ({ turn, at: place(turn) }))
  const decide = (turn: Turn, count: number): Combination => {
    const at = place(turn)
    const near = points
      .filter((point) => point.turn !== turn)
      .map((point) => ({ turn: point.turn, distance: squaredDistance(point.at, at) }))
      .toSorted((a, b) => a.distance - b.distance)
      .slice(0, count)
    return bestCombination(sumOfRewards(near.map((point) => point.turn)))
  }
  const rewardOf = (count: number): number => turns.reduce((sum, turn) => sum + turn.rewards[decide(turn, count)]!, 0)
  const [count] = NEIGHBOURS.map((k) => [k, rewardOf(k)] as const).toSorted((a, b) => b[1] - a[1])[0]!
  return policyOf(`${count} nearest neighbours`, (turn) => decide(turn, count))
}

const squaredDistance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0)

const [ITERATIONS, RATE, DECAY] = [400, 0.5, 1e-2] as const

/**
 * Logistic regression of a right reply for each combination; the one with the best expected reward is chosen, what it costs
 * being its mean cost in training.
 */
export function logisticRegression(turns: readonly Turn[]): Policy {
  const place = standardised(turns)
  const inputs = turns.map((turn) => [1, ...place(turn)])
  const free = turns.reduce((all, turn) => all | turn.free, 0)
  const fitted = Array.from({ length: COMBINATIONS }, (_, c) => c)
    .filter((c) => (c & free) === c)
    .map((c) => {
      const right = turns.map((turn) => Number(turn.run(c).isRight))
      const cost = turns.reduce((sum, turn, i) => sum + (right[i] === 1 ? 1 : -1) - turn.rewards[c]!, 0) / turns.length
      return { c, cost, weights: fitLogistic(inputs, right) }
    })
  return policyOf('logistic regression', (turn) => {
    const x = [1, ...place(turn)]
    const rewards = Array.from({ length: COMBINATIONS }, () => -Infinity)
    for (const { c, cost, weights } of fitted)
      if ((c & turn.free) === c) rewards[c] = 2 * sigmoid(dot(weights, x)) - 1 - cost
    return bestCombination(rewards)
  })
}

/** By gradient descent, with weight decay for all but the constant. */
export function fitLogistic(inputs: readonly (readonly number[])[], targets: readonly number[]): number[] {
  const weights = inputs[0]!.map(() => 0)
  for (let i = 0; i < ITERATIONS; i++) {
    const gradient = weights.map((weight, at) => (at === 0 ? 0 : DECAY * weight))
    for (const [row, x] of inputs.entries()) {
      const error = (sigmoid(dot(weights, x)) - targets[row]!) / inputs.length
      for (const [at, value] of x.entries()) gradient[at]! += error * value
    }
    for (const [at, slope] of gradient.entries()) weights[at]! -= RATE * slope
  }
  return weights
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x))
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
