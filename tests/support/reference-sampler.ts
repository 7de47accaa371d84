/** Sampling written as plainly as it can be: what the sampler has to agree with, and what it is timed beside. */
import type { Sampling } from '../../server/engine/sampler.ts'

export interface Candidate {
  readonly id: number
  readonly probability: number
}

/** The tokens that may be drawn, likeliest first (ties by lower id), with their probabilities. */
export function candidates(logits: Float32Array, { temperature, topK, minP, topP }: Sampling): Candidate[] {
  const max = Math.max(...logits)
  let all = Array.from(logits, (logit, id) => ({ id, weight: Math.exp((logit - max) / temperature) }))
  all = all.toSorted((a, b) => b.weight - a.weight || a.id - b.id).filter(({ weight }) => weight > 0)
  if (topK > 0) all = all.slice(0, topK)
  all = all.filter(({ weight }) => weight >= minP)
  if (topP < 1) {
    const total = all.reduce((sum, { weight }) => sum + weight, 0)
    let sum = 0
    const end = all.findIndex(({ weight }) => (sum += weight) >= topP * total)
    if (end >= 0) all = all.slice(0, end + 1)
  }
  const total = all.reduce((sum, { weight }) => sum + weight, 0)
  return all.map(({ id, weight }) => ({ id, probability: weight / total }))
}

/** The token at `u` (0 to 1) of that distribution. */
export function referenceDraw(logits: Float32Array, sampling: Sampling, u: number): number {
  const all = candidates(logits, sampling)
  let rest = u
  for (const { id, probability } of all) {
    rest -= probability
    if (rest < 0) return id
  }
  return all.at(-1)?.id ?? 0
}
