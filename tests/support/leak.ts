/** How much of the future a model sees. */
import type { Model } from '../../models/architecture.ts'
import type { TensorFlow } from '../../trainer/tensorflow/load.ts'
import { eagerRun, randomWeights } from './decoders.ts'

/** By how much the token at each of `places` changes the largest logit before it, relative to that at itself. */
export function leaks(tf: TensorFlow, model: Model, ids: readonly number[], places: readonly number[]): number[] {
  const weights = randomWeights(model)
  const logits = (row: readonly number[]) => eagerRun(tf, model, weights, [[...row]]).logits
  const before = logits(ids)
  return places.map((t) => {
    const after = logits(ids.with(t, (ids[t]! + 1) % model.vocab))
    const moved = (from: number, to: number): number => {
      let largest = 0
      for (let i = from * model.vocab; i < to * model.vocab; i++)
        largest = Math.max(largest, Math.abs(after[i]! - before[i]!))
      return largest
    }
    return moved(0, t) / moved(t, t + 1)
  })
}

export const mean = (shares: readonly number[]): number => shares.reduce((sum, share) => sum + share, 0) / shares.length
