/**
 * The bundled reader. trainer/reader/start.ts writes FOLDER: the tokenizer and the weights of the published encoder that it
 * starts from; docs/training.md has the commands.
 *   mneme train reader --set tokenizer.folder=FOLDER --init FOLDER/start.safetensors
 */
import { defineRecipe } from './define.ts'

export const reader = defineRecipe({
  name: 'reader',
  about:
    'a cross-encoder: whether what a user told answers a question, and whether it has taken the place of something else',
  architecture: 'reader',
  model: {
    hidden_size: 384,
    num_hidden_layers: 6,
    num_attention_heads: 12,
    intermediate_size: 1536,
    max_position_embeddings: 128,
  },
  data: { kind: 'reading' },
  tokenizer: { kind: 'folder' },
  batch: 52,
  sequenceLength: 56,
  carry: false,
  learningRate: 1.5e-4,
  schedule: { kind: 'cosine', steps: 2000, warmup: 0.04, minRatio: 0.02 },
  optimizer: { weightDecay: 0.01 },
  evaluateEvery: 200,
  evaluateBatches: 8,
  checkpointEvery: 200,
  logEvery: 20,
})
