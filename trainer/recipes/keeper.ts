/** The bundled default model: a small `delta` that keeps what it is told (`mneme train keeper`). */
import { join } from 'node:path'
import { defineRecipe } from './define.ts'
import type { RecipeDefinition } from './recipe.ts'

const folder = join(import.meta.dirname, '..', 'tokenizer', 'keeper')

const definition: RecipeDefinition = {
  name: 'keeper',
  about: 'the default model: facts told in a chat, remembered over thousands of tokens of small talk',
  architecture: 'delta',
  model: {
    width: 128,
    layers: 'adad',
    hidden: 352,
    heads: 4,
    window: 64,
    memoryHeads: 4,
    keys: 64,
    values: 64,
    decay: 'none',
  },
  tokenizer: { kind: 'folder', vocab: 0, folder },
  data: {
    kind: 'keeper',
    // Only what is asked within one piece teaches the writing (gradients end there), so half of them are dense
    stages: [
      { untilTokens: 4e6, facts: [1, 6], gap: [0, 40], alike: 0.3, chunks: 1 },
      { untilTokens: 1.9e7, facts: [2, 16], gap: [0, 150], alike: 0.5, corrections: 0.2, unknown: 0.15, chunks: 1 },
      { untilTokens: 2.7e7, facts: [1, 32], gap: [0, 800], alike: 0.4, corrections: 0.2, unknown: 0.15, chunks: 4 },
      { untilTokens: 1e12, facts: [1, 64], gap: [0, 2500], alike: 0.4, corrections: 0.2, unknown: 0.15, chunks: 8 },
    ],
  },
  batch: 4,
  sequenceLength: 512,
  learningRate: 2.5e-3,
  schedule: { kind: 'wsd', steps: 17_500, warmup: 400 / 17_500, minRatio: 0.05, decay: 0.3 },
  optimizer: { weightDecay: 0.05 },
  evaluateEvery: 1000,
  evaluateBatches: 8,
  checkpointEvery: 500,
  logEvery: 100,
  // What was told is to be said again, not varied.
  generation: { temperature: 0, max_tokens: 64, answers_from: 'memory' },
}

export const keeper = defineRecipe(definition)

/** What the bundled model was finished with: long gaps, and corrections, at a low rate (`mneme train keeper-long --init runs/keeper`). */
export const keeperLong = defineRecipe({
  ...definition,
  name: 'keeper-long',
  about: 'the second part of the keeper: longer small talk, from the first part (--init runs/keeper)',
  data: {
    kind: 'keeper',
    stages: [
      { untilTokens: 1e12, facts: [2, 24], gap: [50, 3000], alike: 0.4, corrections: 0.3, unknown: 0.25, chunks: 8 },
    ],
  },
  learningRate: 8e-4,
  schedule: { kind: 'linear', steps: 3000, warmup: 50 / 3000, minRatio: 0.05 },
  seed: 2,
})

/** The control: the same chats, parameters and window without a memory. */
export const keeperVanilla = defineRecipe({
  ...definition,
  name: 'keeper-vanilla',
  about: 'control of the keeper: a Transformer with the same window and no memory',
  architecture: 'vanilla',
  model: { width: 128, layers: 4, heads: 4, window: 64, hidden: 480 },
})
