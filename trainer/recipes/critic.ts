/**
 * The bundled critic's encoder. trainer/embedder/start.ts writes FOLDER with its tokenizer and the token vectors that it
 * starts from; docs/training.md has the commands.
 *   mneme train critic --set tokenizer.folder=FOLDER --init FOLDER/start.safetensors
 */
import { defineRecipe } from './define.ts'

export const critic = defineRecipe({
  name: 'critic',
  about: 'a small cross-encoder: whether a sentence of a reply holds by what the user told',
  architecture: 'critic',
  model: { width: 128, layers: 3, heads: 4, hidden: 256 },
  data: { kind: 'claims', judged: '' },
  tokenizer: { kind: 'folder' },
  batch: 128,
  sequenceLength: 40,
  carry: false,
  learningRate: 2e-3,
  schedule: { kind: 'cosine', steps: 900, warmup: 0.03, minRatio: 0.02 },
  optimizer: { weightDecay: 0.01 },
  evaluateEvery: 200,
  evaluateBatches: 8,
  checkpointEvery: 200,
  logEvery: 20,
})
