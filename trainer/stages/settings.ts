/** What can be set of stages 2 and 3, beside what the command line has names for. */
import { type ConfigOf, ConfigError, configure, count, type Fields, real, text } from '../../models/config.ts'
import type { AdamW } from '../backends/compile/optimizer.ts'
import { splitSetting } from '../recipes/settings.ts'

const every = {
  measureEvery: count(50, 'steps between measurements on what is held out'),
  checkpointEvery: count(100, 'steps between checkpoints'),
  logEvery: count(10, 'steps between lines of metrics.jsonl'),
}

export const retrievalFields = {
  // As published: 20,000 steps of 512 with 1e-5, from a base that already has an encoder. This one starts from nothing
  steps: count(300, 'updates'),
  learningRate: real(2e-3, 'peak learning rate', 0, 1),
  groups: count(8, 'groups of a batch: each question is compared with so many episodes', 2, 1024),
  sequenceLength: count(112, 'tokens of a text at most'),
  width: count(64, 'width of the episodic encoder'),
  layers: count(2, 'its Mamba layers', 1, 64),
  states: count(16, 'numbers that each of its inner channels remembers'),
  summary: count(64, 'width of the vector of an episode'),
  semantic: count(64, 'width of the vector of a semantic memory'),
  candidates: count(200, 'episodes among which a held-out question is to find its own', 2, 10_000),
  ...every,
} satisfies Fields
export type RetrievalSettings = ConfigOf<typeof retrievalFields>

export const controllerFields = {
  bundle: text('', 'what is served: a bundle; without one the bundled model'),
  questions: count(500, 'questions, of training users and of users that are held out', 40, 1_000_000),
  heldOutShare: real(0.4, 'share of the users that are held out', 0.1, 0.9),
  distance: count(8, 'turns of other talk between what is told and what is asked', 0),
  gsm8k: text('', 'a file of GSM8K questions; without one none are asked'),
  truthfulqa: text('', 'TruthfulQA.csv; without it none are asked'),
  seeds: count(3, 'controllers that are trained', 1, 100),
  steps: count(400, 'updates of supervised training'),
  learningRate: real(1e-3, 'its learning rate', 0, 1),
  // As published 1e-5, for a controller of 2048 dimensions
  ppoLearningRate: real(1e-4, 'learning rate of PPO', 0, 1),
  episodes: count(50_000, 'questions that PPO acts on, in batches of 256'),
  dropout: real(0.1, "dropout of the controller in supervised training; the value net's is 0.1", 0, 0.9),
  ...every,
} satisfies Fields
export type ControllerSettings = ConfigOf<typeof controllerFields>

/** The settings with each `key=value` over the defaults. Throws ConfigError. */
export function stageSettings<F extends Fields>(fields: F, given: readonly string[]): ConfigOf<F> {
  const values = Object.fromEntries(given.map(splitSetting))
  return configure('', fields, values)
}

/** AdamW without decay, gradients clipped at 1: Adam, as the stages were published. */
export const adam: AdamW = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0, clip: 1, bits: 32 }

/** Throws ConfigError where a run is continued with other settings, but for how often something is done. */
export function checkSameSettings(before: object, now: object): void {
  for (const [name, value] of Object.entries(now)) {
    if (Object.hasOwn(every, name)) continue
    const began = (before as Record<string, unknown>)[name]
    if (JSON.stringify(began) !== JSON.stringify(value))
      throw new ConfigError(
        `resume: ${name}: the run was started with ${JSON.stringify(began)}, asked for ${JSON.stringify(value)}`,
      )
  }
}
