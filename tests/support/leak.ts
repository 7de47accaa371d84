/** How much of the future a model sees. */
import type { Model } from '../../models/architecture.ts'
import type { TensorFlow } from '../../trainer/backends/tensorflow/load.ts'
import { eagerRun, randomWeights } from './decoders.ts'

/** For each of `places`, by how much the token there changes each place's logits at most. */
export function changes(tf: TensorFlow, model: Model, ids: readonly number[], places: readonly number[]): number[][] {
  const weights = randomWeights(model)
  const logits = (row: readonly number[]) => eagerRun(tf, model, weights, [[...row]]).logits
  const before = logits(ids)
  return places.map((t) => {
    const after = logits(ids.with(t, (ids[t]! + 1) % model.vocab))
    return ids.map((_, i) => {
      const [from, to] = [i * model.vocab, (i + 1) * model.vocab]
      return before.subarray(from, to).reduce((most, x, j) => Math.max(most, Math.abs(x - after[from + j]!)), 0)
    })
  })
}

/** By how much the token at each of `places` changes the largest logit before it, relative to that at itself. */
export const leaks = (...given: Parameters<typeof changes>): number[] =>
  changes(...given).map((changed, i) => {
    const t = given[3][i]!
    return Math.max(...changed.slice(0, t)) / changed[t]!
  })

export const mean = (shares: readonly number[]): number => shares.reduce((sum, share) => sum + share, 0) / shares.length
