/**
 * What answers the bundled model's small talk. It starts from the embedder, whose tokenizer it has:
 *   mneme train small-talk --init runs/embedder --set tokenizer.folder=runs/embedder/last
 */
import { defineRecipe } from './define.ts'

export const smallTalk = defineRecipe({
  name: 'small-talk',
  about: 'which of written replies fits what somebody says, from the embedder (--init runs/embedder)',
  architecture: 'sentence-classifier',
  model: { width: 128, layers: 3, heads: 4, hidden: 256, labels: 133 },
  data: { kind: 'small-talk' },
  tokenizer: { kind: 'folder' },
  batch: 128,
  sequenceLength: 32,
  carry: false,
  learningRate: 1e-3,
  schedule: { kind: 'cosine', steps: 1000, warmup: 0.05, minRatio: 0.02 },
  optimizer: { weightDecay: 0.05 },
  evaluateEvery: 50,
  evaluateBatches: 5,
  checkpointEvery: 100,
  logEvery: 20,
})
