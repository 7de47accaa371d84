/** The bundled default model: a small `delta` that keeps what it is told (`mneme train keeper`). */
import { join } from 'node:path'
import { defaults, type Recipe } from './recipe.ts'

const folder = join(import.meta.dirname, '..', 'tokenizer', 'keeper')

export const keeper: Recipe = {
  ...defaults,
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
    stages: [
      { untilTokens: 3e6, facts: [1, 4], gap: [0, 60], chunks: 1 },
      { untilTokens: 8e6, facts: [1, 8], gap: [0, 300], corrections: 0.2, unknown: 0.1, chunks: 2 },
      { untilTokens: 1.4e7, facts: [1, 24], gap: [0, 1500], corrections: 0.25, unknown: 0.1, chunks: 4 },
      { untilTokens: 1e12, facts: [1, 64], gap: [0, 2500], corrections: 0.25, unknown: 0.1, chunks: 8 },
    ],
  },
  batch: 8,
  time: 512,
  learningRate: 3e-3,
  schedule: { kind: 'wsd', steps: 5_000, warmup: 200, minRatio: 0.05, decay: 0.3 },
  optimizer: { ...defaults.optimizer, weightDecay: 0.05 },
  evaluateEvery: 500,
  evaluateBatches: 8,
  checkpointEvery: 250,
  logEvery: 50,
  generation: { temperature: 0, max_tokens: 64 }, // what was told is to be said again, not varied
}

/** The control: the same chats, parameters and window without a memory. */
export const keeperVanilla: Recipe = {
  ...keeper,
  name: 'keeper-vanilla',
  about: 'control of the keeper: a Transformer with the same window and no memory',
  architecture: 'vanilla',
  model: { width: 128, layers: 4, heads: 4, window: 64, hidden: 480 },
}
