/** What every contender trains: the same Transformer, the same first weights, the same batches. */
import { createModel } from '../../../models/registry.ts'
import type { BackendOptions } from '../../../trainer/backend.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'

export const BATCH = 8
export const TIME = 128
export const TOKENS = BATCH * TIME
export const SEED = 1
export const RATE = 1e-3

/** 5.8 million parameters, the embedding tied. Every batch starts anew, so its attention is plain causal attention. */
export const config = { vocab: 4096, width: 256, layers: 6, heads: 4, window: TIME, hidden: 688 }

export const options: BackendOptions = {
  model: createModel('vanilla', config),
  batch: BATCH,
  time: TIME,
  optimizer: { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1, bits: 32 },
  accumulate: 1,
  recompute: 1,
  labels: 0,
  precision: 'float32' as const,
  carry: false,
  rate: () => 1,
  threads: 2,
  device: 'cpu',
  random: new Random('dropout'),
}

/** Random tokens, each followed by the next. */
export const batches: readonly Batch[] = Array.from({ length: 8 }, (_, seed) => {
  const random = new Random(`bench ${seed}`)
  const batch = emptyBatch(BATCH, TIME)
  const stream = Array.from({ length: TOKENS + 1 }, () => random.int(config.vocab))
  batch.ids.set(stream.slice(0, -1))
  batch.targets.set(stream.slice(1))
  batch.weights.fill(1)
  return batch
})
