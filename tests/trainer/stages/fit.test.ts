/** Training of the controller on toy tables of outcomes. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type Learner, openLearner } from '../../../trainer/backends/compile/learner.ts'
import { Random } from '../../../trainer/random.ts'
import { loadCheckpoint } from '../../../trainer/run/checkpoint.ts'
import {
  controllerOptions,
  decisionsOf,
  fitPpo,
  type FitOptions,
  fitSupervised,
  ppoStep,
} from '../../../trainer/stages/controller/fit.ts'
import { ppoObjective } from '../../../trainer/stages/controller/objectives.ts'
import { COMBINATIONS, isOpen } from '../../../trainer/stages/controller/reward.ts'
import type { Turn } from '../../../trainer/stages/controller/turns.ts'
import { adam } from '../../../trainer/stages/settings.ts'
import { toyTurn } from './turns.ts'

const ONES = Array.from({ length: COMBINATIONS }, () => 1)
/** Smaller than in stage 3, for speed. */
const SIZES = { batch: 64, valueWidth: 16 } as const
/** The semantic gate is right to be open where the feature is 1. */
const table = Array.from({ length: 40 }, (_, i) => toyTurn(i % 8, i % 2, (isSemantic) => isSemantic === (i % 2 === 1)))

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'mneme-stage-'))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

const optionsOf = (out: string, own: Partial<FitOptions> = {}): FitOptions => ({
  out,
  config: {},
  seed: 1,
  threads: 1,
  ...SIZES,
  learningRate: 3e-3,
  steps: 30,
  dropout: 0.1,
  measureEvery: 10,
  checkpointEvery: 10,
  logEvery: 1,
  resume: false,
  report: () => undefined,
  ...own,
})
const examples = { training: table, validation: table.slice(0, 8) }

async function openPpo(): Promise<Learner> {
  const learner = await openLearner(ppoObjective(controllerOptions(4), SIZES), {
    optimizer: adam,
    seed: 2,
    threads: 1,
    random: new Random(1),
  })
  onTestFinished(() => learner.close())
  return learner
}

/** How likely the semantic gate is open where the first feature is 0 and where it is 1. */
async function openness(learner: Learner, turns: readonly Turn[]): Promise<[low: number, high: number]> {
  const pair = Array.from({ length: SIZES.batch }, (_, i) => turns[i % 2]!)
  const column = new Float32Array(SIZES.batch)
  const { told } = await learner.ask({
    query: pair.flatMap(({ query }) => query),
    features: pair.flatMap(({ features }) => features),
    available: pair.flatMap(({ available }) => available),
    actions: new Float32Array(5 * SIZES.batch),
    ...Object.fromEntries(['before', 'advantage', 'reward', 'valueBefore', 'wrong'].map((name) => [name, column])),
  })
  return [told['gates']![2]!, told['gates']![7]!]
}

/** The same after so many batches of PPO. */
async function throughPpo(turns: readonly Turn[], batches: number): Promise<[low: number, high: number]> {
  const learner = await openPpo()
  const random = new Random('acts')
  for (let number = 1; number <= batches; number++)
    await ppoStep(learner, random, turns, { ...SIZES, learningRate: 2e-4 }, number)
  return openness(learner, turns)
}

test('supervised training opens a gate where it was right to be open, and nowhere else', async () => {
  const out = folder()
  await fitSupervised(examples, optionsOf(out))
  const decided = await decisionsOf('', out, table)
  for (const turn of table)
    expect([...decided.choose(turn).keys()].map((c) => isOpen(c, 'semantic'))).toEqual([turn.features[0] === 1])
})

test('PPO finds the better action of each turn', async () => {
  const after = await throughPpo(table, 30)
  expect(after[0]).toBeLessThan(0.2)
  expect(after[1]).toBeGreaterThan(0.8)
})

test('PPO leaves a policy undecided where all actions are worth the same', async () => {
  // Right in any case: the term on the uncertainty prefers actions whose outcome is predicted
  const equal = table.map(({ user, features }) => ({ ...toyTurn(user, features[0]!, () => true), rewards: ONES }))
  const after = await throughPpo(equal, 30)
  for (const probability of after) expect(Math.abs(probability - 0.5)).toBeLessThan(0.3)
})

test('an interrupted run goes on to the same bits, supervised and with PPO', async () => {
  const own = { steps: 2, measureEvery: 2, checkpointEvery: 2 }
  const methods = {
    supervised: fitSupervised,
    ppo: (e: typeof examples, o: FitOptions) => fitPpo(e, join(o.out, '..', 'supervised'), o),
  }
  const [whole, halves] = [folder(), folder()]
  for (const [name, fit] of Object.entries(methods)) {
    await fit(examples, optionsOf(join(whole, name), own))
    const stopping = new AbortController()
    const interrupted = {
      ...own,
      signal: stopping.signal,
      report: ({ step }: { step?: number }) => step === 1 && stopping.abort(),
    }
    expect(await fit(examples, optionsOf(join(halves, name), interrupted as Partial<FitOptions>))).toBe('stopped')
    await fit(examples, optionsOf(join(halves, name), { ...own, resume: true }))
    const [a, b] = await Promise.all([whole, halves].map((out) => loadCheckpoint(join(out, name, 'last'))))
    expect(b!.step).toBe(2)
    expect(b!.model).toEqual(a!.model)
    expect(b!.optimizer).toEqual(a!.optimizer)
  }
})
