/** Trains a controller on outcomes: on the gates of the best ones first, then by PPO with actions of its own. */
import { FEATURE_GROUPS, GATES } from '../../../runtime/controller-features.ts'
import { type Learner, openLearner } from '../../backends/compile/learner.ts'
import type { JsonValue } from '../../data/batch.ts'
import type { Feed } from '../../objective.ts'
import { Random } from '../../random.ts'
import { loadCheckpoint } from '../../run/checkpoint.ts'
import type { StageEnd } from '../context.ts'
import { type Numbers, runSteps } from '../run-steps.ts'
import { adam } from '../settings.ts'
import { type Policy, policyOf } from './baselines.ts'
import { ppoObjective, supervisedObjective } from './objectives.ts'
import { type Combination, combinationOf, uncertaintyReward } from './reward.ts'
import { bestCombination, gateTargets, type Turn } from './turns.ts'
import { join } from 'node:path'

export interface FitOptions {
  readonly out: string
  readonly config: { readonly [key: string]: JsonValue }
  readonly seed: number
  readonly threads: number
  readonly learningRate: number
  /** Supervised: updates. PPO: batches, each of which is four updates. */
  readonly steps: number
  /** Turns of a batch. */
  readonly batch: number
  /** Of the controller, in supervised training. */
  readonly dropout: number
  /** Of PPO's value net. */
  readonly valueWidth: number
  readonly measureEvery: number
  readonly checkpointEvery: number
  readonly logEvery: number
  readonly resume: boolean
  readonly signal?: AbortSignal
  readonly report: (numbers: Numbers) => void
}

/** Turns to train on, and turns of other users by which the best checkpoint is chosen. */
export interface Examples {
  readonly training: readonly Turn[]
  readonly validation: readonly Turn[]
}

/** How often PPO goes through a batch. */
const PPO_EPOCHS = 4
/** Turns that are decided at once. */
const DECIDED = 64
/** Probability from which on a gate is open. */
const THRESHOLD = 0.5

/** The options of a controller for vectors of this width. No served model has experts whose choice could be learned from. */
export const controllerOptions = (query: number, dropout = 0) => ({
  query,
  groups: [...FEATURE_GROUPS],
  experts: 4,
  dropout,
})

/** Supervised training. The run's `best` is the checkpoint with the highest mean reward in validation. */
export async function fitSupervised(examples: Examples, o: FitOptions): Promise<StageEnd> {
  const { training } = examples
  const [random, noise] = [new Random(`${o.seed} supervised`), new Random(`${o.seed} dropout`)]
  const objective = supervisedObjective(controllerOptions(training[0]!.query.length, o.dropout), o.batch)
  const learner = await openLearner(objective, { optimizer: adam, seed: o.seed, threads: o.threads, random: noise })
  const targets = new Map(training.map((turn) => [turn, supervisedTarget(turn)]))
  const run = {
    ...o,
    learner,
    randoms: [random, noise],
    async step(number: number) {
      const batch = drawTurns(random, training, o.batch)
      const feed = { ...turnFeed(batch), ...supervisedFeed(batch.map((turn) => targets.get(turn)!)) }
      const { objective, norm } = await learner.update(feed, o.learningRate, number)
      return { objective, norm, learningRate: o.learningRate }
    },
    measure: async () => ({ score: await meanReward(learner, examples.validation, o.batch, noTargets) }),
  }
  return runSteps(run, o.resume).finally(() => learner.close())
}

/** PPO from the parameters of a supervised run's best checkpoint. */
export async function fitPpo(examples: Examples, from: string, o: FitOptions): Promise<StageEnd> {
  const { training } = examples
  const [random, noise] = [new Random(`${o.seed} ppo`), new Random(`${o.seed} value dropout`)]
  const objective = ppoObjective(controllerOptions(training[0]!.query.length), o)
  const learner = await openLearner(objective, { optimizer: adam, seed: o.seed, threads: o.threads, random: noise })
  const { model } = await loadCheckpoint(join(from, 'best'))
  for (const [path, { data }] of Object.entries(model)) learner.put(path, data as Float32Array)
  const run = {
    ...o,
    learner,
    randoms: [random, noise],
    step: (number: number) => ppoStep(learner, random, training, o, number),
    measure: async () => ({ score: await meanReward(learner, examples.validation, o.batch, noActions) }),
  }
  return runSteps(run, o.resume).finally(() => learner.close())
}

/** Acts on a fresh batch, looks the rewards up, and goes through it four times. */
export async function ppoStep(
  learner: Learner,
  random: Random,
  turns: readonly Turn[],
  { learningRate, batch: size }: Pick<FitOptions, 'learningRate' | 'batch'>,
  number: number,
): Promise<Numbers & { readonly objective: number }> {
  const batch = drawTurns(random, turns, size)
  const input = turnFeed(batch)
  const { told } = await learner.ask({ ...input, ...noActions(size) })
  const actions = batch.map(({ available }, i) =>
    available.map((free, gate) => free === 1 && random.chance(told['gates']![i * GATES.length + gate]!)),
  )
  const flat = Float32Array.from(actions.flat(), Number)
  const chosen = actions.map(combinationOf)
  const isRight = batch.map((turn, i) => turn.run(chosen[i]!).isRight)
  const rewards = batch.map(
    (turn, i) => turn.rewards[chosen[i]!]! + uncertaintyReward(told['uncertainty']![i]!, isRight[i]!),
  )
  const advantage = normalised(rewards.map((reward, i) => reward - told['value']![i]!))
  // Asked once more with the actions, so that their log-probability is the graph's own
  const acted = { ...input, ...noActions(size), actions: flat }
  const before = (await learner.ask(acted)).told['logProb']!
  const feed: Feed = {
    ...acted,
    before,
    advantage,
    reward: rewards,
    valueBefore: told['value']!,
    wrong: isRight.map((right) => (right ? 0 : 1)),
  }
  const updates: Awaited<ReturnType<Learner['update']>>[] = []
  for (let epoch = 1; epoch <= PPO_EPOCHS; epoch++)
    updates.push(await learner.update(feed, learningRate, (number - 1) * PPO_EPOCHS + epoch))
  const after = updates.at(-1)!.told
  return {
    objective: updates.at(-1)!.objective,
    norm: updates.at(-1)!.norm,
    learningRate,
    reward: mean(rewards),
    entropy: mean(Array.from(after['entropy']!)),
    accuracy: mean(isRight.map(Number)),
    valueError: mean(rewards.map((reward, i) => (reward - told['value']![i]!) ** 2)),
  }
}

/** A trained controller as a policy, and how uncertain it is of each turn. */
export interface Trained extends Policy {
  readonly uncertainty: ReadonlyMap<Turn, number>
}

/** The decisions of the best checkpoint of a run for `turns`. */
export async function decisionsOf(name: string, run: string, turns: readonly Turn[]): Promise<Trained> {
  const { model } = await loadCheckpoint(join(run, 'best'))
  const objective = supervisedObjective(controllerOptions(turns[0]!.query.length), DECIDED)
  const learner = await openLearner(objective, { optimizer: adam, seed: 1, threads: 1, random: new Random(1) })
  try {
    for (const [path, { data }] of Object.entries(model))
      if (path.startsWith('controller.')) learner.put(path, data as Float32Array)
    const { chosen, uncertainty } = await askTurns(learner, turns, DECIDED, noTargets)
    return { ...policyOf(name, (turn) => chosen.get(turn)!), uncertainty }
  } finally {
    learner.close()
  }
}

async function meanReward(
  learner: Learner,
  turns: readonly Turn[],
  batch: number,
  rest: (batch: number) => Feed,
): Promise<number> {
  const { chosen } = await askTurns(learner, turns, batch, rest)
  return mean(turns.map((turn) => turn.rewards[chosen.get(turn)!]!))
}

/** The gates that are likelier open than closed. The last batch is filled up with the last turn. */
async function askTurns(learner: Learner, turns: readonly Turn[], size: number, rest: (batch: number) => Feed) {
  const chosen = new Map<Turn, Combination>()
  const uncertainty = new Map<Turn, number>()
  for (let start = 0; start < turns.length; start += size) {
    const batch = Array.from({ length: size }, (_, i) => turns[Math.min(start + i, turns.length - 1)]!)
    const { told } = await learner.ask({ ...turnFeed(batch), ...rest(size) })
    for (const [i, turn] of batch.entries()) {
      const probabilities = told['gates']!.subarray(i * GATES.length, (i + 1) * GATES.length)
      chosen.set(turn, combinationOf(Array.from(probabilities, (p) => p >= THRESHOLD)) & turn.free)
      uncertainty.set(turn, told['uncertainty']![i]!)
    }
  }
  return { chosen, uncertainty }
}

const drawTurns = (random: Random, turns: readonly Turn[], count: number): Turn[] =>
  Array.from({ length: count }, () => random.pick(turns))

const turnFeed = (batch: readonly Turn[]): Feed => ({
  query: batch.flatMap(({ query }) => query),
  features: batch.flatMap(({ features }) => features),
  available: batch.flatMap(({ available }) => available),
})

interface Target {
  readonly gates: readonly number[]
  readonly wrong: number
}

const supervisedTarget = (turn: Turn): Target => ({
  gates: gateTargets(turn),
  wrong: turn.run(bestCombination(turn.rewards)).isRight ? 0 : 1,
})

const supervisedFeed = (targets: readonly Target[]): Feed => ({
  gates: targets.flatMap(({ gates }) => gates),
  wrong: targets.map(({ wrong }) => wrong),
})

const noTargets = (batch: number): Feed => ({ gates: zeros(batch * GATES.length), wrong: zeros(batch) })

const noActions = (batch: number): Feed => ({
  actions: zeros(batch * GATES.length),
  ...Object.fromEntries(['before', 'advantage', 'reward', 'valueBefore', 'wrong'].map((name) => [name, zeros(batch)])),
})

const zeros = (count: number): Float32Array => new Float32Array(count)

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length

/** Rewards reach from about -2 to 1. Where all are alike, dividing by less would make a policy of noise. */
const LEAST_DEVIATION = 0.1

/** Zero mean, and unit variance where there is something to tell apart. */
function normalised(values: readonly number[]): number[] {
  const centre = mean(values)
  const deviation = Math.sqrt(mean(values.map((x) => (x - centre) ** 2)))
  return values.map((x) => (x - centre) / Math.max(deviation, LEAST_DEVIATION))
}
