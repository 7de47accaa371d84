/** An adapter that reads notes about the user and says where they do not know (`mneme train notes --init BASE`). */
import { defineRecipe } from './define.ts'

export const notes = defineRecipe({
  name: 'notes',
  about: 'low-rank additions to a frozen chat model that make it answer from notes: --init with SmolLM2-135M-Instruct',
  architecture: 'adapter',
  model: {
    base: '',
    baseConfig: {},
    adapters: 'lora',
    loraRank: 8,
    loraAlpha: 16,
    loraTargets: String.raw`_proj\.weight$`,
  },
  data: { kind: 'notes' },
  batch: 32,
  sequenceLength: 192,
  carry: false,
  maxLabels: 2048,
  learningRate: 7e-4,
  schedule: { kind: 'cosine', steps: 1500, warmup: 0.03, minRatio: 0.05 },
  optimizer: { weightDecay: 0.01 },
  evaluateEvery: 250,
  evaluateBatches: 8,
  checkpointEvery: 500,
  logEvery: 20,
  generation: { temperature: 0, answers_from: 'notes' }, // what was told is to be said again, not varied
})
