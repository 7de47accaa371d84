/**
 * The bundled embedder. trainer/embedder/start.ts writes FOLDER with its tokenizer, the token vectors that it starts from and
 * the texts that it is taught; docs/training.md has the commands.
 *   mneme train embedder --set data.folder=FOLDER --set tokenizer.folder=FOLDER --init FOLDER/start.safetensors
 */
import { defineRecipe } from './define.ts'

export const embedder = defineRecipe({
  name: 'embedder',
  about: 'a small encoder of sentences: questions beside what answers them, and what another encoder makes of texts',
  architecture: 'sentence',
  model: { width: 128, layers: 3, heads: 4, hidden: 256 },
  data: { kind: 'sentences', folder: '' },
  tokenizer: { kind: 'folder' },
  batch: 384,
  sequenceLength: 32,
  carry: false,
  learningRate: 2e-3,
  schedule: { kind: 'cosine', steps: 1600, warmup: 0.03, minRatio: 0.02 },
  optimizer: { weightDecay: 0.01 },
  evaluateEvery: 200,
  evaluateBatches: 4,
  checkpointEvery: 200,
  logEvery: 20,
})
