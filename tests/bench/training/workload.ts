/** What every contender trains: the same Transformer, the same first weights, the same batches. */
import { createModel } from '../../../models/registry.ts'
import { type Batch, emptyBatch } from '../../../trainer/data/batch.ts'
import { Random } from '../../../trainer/random.ts'
import { backendOptions } from '../../support/backend-options.ts'

export const BATCH = 8
export const TIME = 128
export const TOKENS = BATCH * TIME
export const SEED = 1
export const RATE = 1e-3

/** 5.8 million parameters, the embedding tied. Every batch starts anew, so its attention is plain causal attention. */
export const config = { vocab: 4096, width: 256, layers: 6, heads: 4, window: TIME, hidden: 688 }

export const options = backendOptions(createModel('vanilla', config), {
  batch: BATCH,
  sequenceLength: TIME,
  carry: false,
  threads: 2,
})

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
