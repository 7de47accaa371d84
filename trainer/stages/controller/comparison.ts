/** Policies on the turns of held-out users, with intervals, and what share of the oracle's gap each closes. */
import { Random } from '../../random.ts'
import {
  always,
  bestConstant,
  bestThresholds,
  logisticRegression,
  nearestNeighbours,
  never,
  oracle,
  type Policy,
  randomAtRate,
  type Threshold,
} from './baselines.ts'
import { bootstrapInterval } from './bootstrap.ts'
import type { Trained } from './fit.ts'
import { type Scored, scoreOf, scoreOfRun, type Turn } from './turns.ts'

type Interval = readonly [low: number, high: number]

export interface Row {
  readonly name: string
  readonly accuracy: number
  readonly accuracyInterval: Interval
  /** Milliseconds. */
  readonly latency: number
  readonly modelled: number
  readonly compute: number
  readonly reward: number
  readonly rewardInterval: Interval
  /** Of the gap between the best threshold and the oracle, the share that is closed; null of these two. */
  readonly closed: number | null
  readonly closedInterval: Interval | null
}

export interface Comparison {
  readonly rows: readonly Row[]
  /** The best threshold of each single feature: its mean reward in training, and on the held-out turns. */
  readonly thresholds: readonly { readonly feature: string; readonly training: number; readonly heldOut: number }[]
  /** Mean reward of PPO's controllers minus that of the best threshold, on the same turns. */
  readonly difference: { readonly mean: number; readonly interval: Interval }
  /** Mean squared error of the uncertainty of PPO's controllers, and of saying the training's share of wrong replies. */
  readonly brier: { readonly ours: number; readonly constant: number }
}

/** Controllers of several seeds, and their name. */
export interface Group {
  readonly name: string
  readonly controllers: readonly Trained[]
}

/** Compares on `heldOut` what was fitted to `training`. The last group is that of PPO. */
export function compare(
  training: readonly Turn[],
  heldOut: readonly Turn[],
  groups: readonly Group[],
  activeShare: number,
): Comparison {
  const scored = (policy: Policy): Scored[] => heldOut.map((turn) => scoreOf(turn, policy.choose(turn), activeShare))
  const thresholds = bestThresholds(training)
  const byThreshold = heldOut.map((turn) =>
    scoreOfRun(turn, turn.byThreshold, turn.byThreshold.combination, activeShare),
  )
  const rival = bestRival(training, thresholds, activeShare)
  const [best, perfect] = [rival === 'server' ? byThreshold : scored(thresholds[0]!.policy), scored(oracle)]
  const ours = groups.map(({ name, controllers }) => [name, meanOf(controllers.map(scored))] as const)
  const last = groups.at(-1)!.controllers
  const all: (readonly [string, readonly Scored[]])[] = [
    [always.name, scored(always)],
    [never.name, scored(never)],
    [`the server's own thresholds${rival === 'server' ? ' (best in training)' : ''}`, byThreshold],
    named(bestConstant(training), scored),
    [
      `random, each gate as often as ${groups.at(-1)!.name}`,
      meanOf(last.map((one) => scored(randomAtRate(heldOut, one)))),
    ],
    [`best ${thresholds[0]!.policy.name}`, rival === 'server' ? scored(thresholds[0]!.policy) : best],
    named(logisticRegression(training), scored),
    named(nearestNeighbours(training), scored),
    ...ours.flatMap(([name, mean], i) => [
      [name, mean] as const,
      ...groups[i]!.controllers.map((one) => named(one, scored)),
    ]),
    ['oracle', perfect],
  ]
  const random = new Random('bootstrap')
  const rows = all.map(([name, scores]) => rowOf(name, scores, best, perfect, random))
  const gains = ours.at(-1)![1].map(({ user, reward }, i) => ({ user, gain: reward - best[i]!.reward }))
  const gain = (of: readonly { readonly gain: number }[]): number => mean(of.map((one) => one.gain))
  return {
    rows,
    thresholds: thresholds.slice(0, 8).map(({ feature, reward, policy }) => ({
      feature,
      training: reward,
      heldOut: mean(scored(policy).map((one) => one.reward)),
    })),
    difference: { mean: gain(gains), interval: bootstrapInterval(gains, gain, random) },
    brier: brierOf(training, heldOut, last),
  }
}

const named = (policy: Policy, scored: (policy: Policy) => Scored[]) => [policy.name, scored(policy)] as const

function rowOf(
  name: string,
  scores: readonly Scored[],
  best: readonly Scored[],
  perfect: readonly Scored[],
  random: Random,
): Row {
  const together = scores.map((one, i) => ({
    user: one.user,
    right: one.right,
    own: one.reward,
    best: best[i]!.reward,
    perfect: perfect[i]!.reward,
  }))
  type Together = (typeof together)[number]
  const accuracy = (rows: readonly Together[]): number => mean(rows.map(({ right }) => right))
  const reward = (rows: readonly Together[]): number => mean(rows.map(({ own }) => own))
  const closed = (rows: readonly Together[]): number =>
    mean(rows.map((row) => row.own - row.best)) / Math.max(1e-9, mean(rows.map((row) => row.perfect - row.best)))
  const isEnd = scores === best || scores === perfect
  return {
    name,
    accuracy: accuracy(together),
    accuracyInterval: bootstrapInterval(together, accuracy, random),
    latency: mean(scores.map(({ latency }) => latency)),
    modelled: mean(scores.map(({ modelled }) => modelled)),
    compute: mean(scores.map(({ compute }) => compute)),
    reward: reward(together),
    rewardInterval: bootstrapInterval(together, reward, random),
    closed: isEnd ? null : closed(together),
    closedInterval: isEnd ? null : bootstrapInterval(together, closed, random),
  }
}

/** What a controller has to beat: the best threshold in training, of a single feature or the server's own. */
function bestRival(
  training: readonly Turn[],
  [first]: readonly Threshold[],
  activeShare: number,
): 'server' | 'feature' {
  const own = mean(
    training.map((turn) => scoreOfRun(turn, turn.byThreshold, turn.byThreshold.combination, activeShare).reward),
  )
  return own > first!.reward ? 'server' : 'feature'
}

/** Each turn's mean over several policies. */
function meanOf(all: readonly (readonly Scored[])[]): Scored[] {
  return all[0]!.map(({ user }, i) => {
    const of = (key: Exclude<keyof Scored, 'user'>): number => mean(all.map((scores) => scores[i]![key]))
    return {
      user,
      right: of('right'),
      latency: of('latency'),
      modelled: of('modelled'),
      compute: of('compute'),
      reward: of('reward'),
    }
  })
}

function brierOf(training: readonly Turn[], heldOut: readonly Turn[], controllers: readonly Trained[]) {
  const wrongness = (turn: Turn, policy: Policy): number => 1 - scoreOf(turn, policy.choose(turn), 1).right
  const errors = controllers.map((one) =>
    mean(heldOut.map((turn) => (one.uncertainty.get(turn)! - wrongness(turn, one)) ** 2)),
  )
  const constants = controllers.map((one) => {
    const share = mean(training.filter((turn) => one.uncertainty.has(turn)).map((turn) => wrongness(turn, one)))
    return mean(heldOut.map((turn) => (share - wrongness(turn, one)) ** 2))
  })
  return { ours: mean(errors), constant: mean(constants) }
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
