/** Questions as a controller sees them: what is known before the reply, and what each combination of gates is worth. */
import { GATES } from '../../../runtime/controller-features.ts'
import { type Outcomes, type Run, runOf } from '../environment/outcomes.ts'
import { bitsOf, type Combination, COMBINATIONS, computeOf, rewardOf } from './reward.ts'

export interface Turn extends Pick<Outcomes, 'user' | 'part' | 'kind' | 'free' | 'query' | 'features'> {
  /** 1 for gates that can be opened, in the order of GATES. */
  readonly available: readonly number[]
  /** By combination: the reward with modelled latency, without the term on the uncertainty. */
  readonly rewards: readonly number[]
  /** The reply where the server's thresholds decided. */
  readonly byThreshold: Outcomes['byThreshold']
  run(combination: Combination): Run
}

/** `activeShare`: of the served model's parameters, the share that a token goes through. */
export function turnOf(outcomes: Outcomes, activeShare: number): Turn {
  const { user, part, kind, free, query, features, byThreshold } = outcomes
  const run = (combination: Combination): Run => runOf(outcomes, combination)
  const rewards = Array.from({ length: COMBINATIONS }, (_, i) => {
    const { isRight, latency, modelled } = run(i)
    return rewardOf(i & free, { isRight, latency: modelled ?? latency, activeShare })
  })
  return { user, part, kind, free, query, features, available: bitsOf(free), rewards, byThreshold, run }
}

/** The best combination, of equals the one with the lowest number: no gate is open for nothing. */
export function bestCombination(rewards: readonly number[]): Combination {
  let best = 0
  for (let i = 1; i < rewards.length; i++) if (rewards[i]! > rewards[best]! + 1e-9) best = i
  return best
}

/** How sharply targets prefer better combinations: a tenth of a reward is e. */
const TARGET_TEMPERATURE = 0.1

/** How often each gate is open where combinations are chosen by their reward, in the order of GATES. */
export function gateTargets({ rewards, free }: Pick<Turn, 'rewards' | 'free'>): number[] {
  const top = Math.max(...rewards)
  const weights = rewards.map((reward, i) => ((i & free) === i ? Math.exp((reward - top) / TARGET_TEMPERATURE) : 0))
  const all = weights.reduce((a, b) => a + b)
  return GATES.map((_, gate) => weights.reduce((sum, weight, i) => sum + bitsOf(i)[gate]! * weight, 0) / all)
}

/** What a policy's choices cost and bring, a line for each turn. */
export interface Scored {
  readonly user: number
  readonly right: number
  /** Milliseconds. */
  readonly latency: number
  readonly modelled: number
  readonly compute: number
  readonly reward: number
}

/** What is expected where combinations are chosen with these probabilities. */
export function scoreOf(turn: Turn, probabilities: ReadonlyMap<Combination, number>, activeShare: number): Scored {
  const expected = (valueOf: (score: Scored) => number): number =>
    [...probabilities].reduce(
      (sum, [combination, p]) => sum + p * valueOf(scoreOfRun(turn, turn.run(combination), combination, activeShare)),
      0,
    )
  return {
    user: turn.user,
    right: expected(({ right }) => right),
    latency: expected(({ latency }) => latency),
    modelled: expected(({ modelled }) => modelled),
    compute: expected(({ compute }) => compute),
    reward: expected(({ reward }) => reward),
  }
}

/** What one reply cost and brought. */
export function scoreOfRun({ user, free }: Turn, run: Run, combination: Combination, activeShare: number): Scored {
  const { isRight, latency } = run
  const modelled = run.modelled ?? latency
  return {
    user,
    right: Number(isRight),
    latency,
    modelled,
    compute: computeOf(combination & free, activeShare),
    reward: rewardOf(combination & free, { isRight, latency: modelled, activeShare }),
  }
}
