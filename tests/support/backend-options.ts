/** Options of training backends. */
import type { Model } from '../../models/architecture.ts'
import type { BackendOptions } from '../../trainer/backends/backend.ts'
import type { AdamW } from '../../trainer/backends/compile/optimizer.ts'
import { Random } from '../../trainer/random.ts'

export const adamW: AdamW = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, clip: 1, bits: 32 }

/** Two rows of twelve tokens that carry state, on one thread of the CPU, unless told otherwise. */
export const backendOptions = (model: Model, own: Partial<BackendOptions> = {}): BackendOptions => ({
  model,
  batch: 2,
  sequenceLength: 12,
  optimizer: adamW,
  accumulate: 1,
  recompute: 1,
  maxLabels: 0,
  precision: 'float32',
  deterministic: true,
  carry: true,
  lrScale: () => 1,
  threads: 1,
  device: 'cpu',
  id: 0,
  random: new Random('dropout'),
  ...own,
})
