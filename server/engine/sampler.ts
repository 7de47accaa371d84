/** From one row of logits to one token: pure, seeded, and the same whatever else runs. */
import { uniform } from './philox.ts'

export interface Sampling {
  /** 0 is greedy. */
  readonly temperature: number
  readonly topP: number
  /** 0: no limit. */
  readonly topK: number
  readonly minP: number
  readonly frequencyPenalty: number
  readonly presencePenalty: number
  /** 1: none. Counts this turn's prompt as well as its output; the two above count the output only. */
  readonly repetitionPenalty: number
  readonly logitBias: readonly (readonly [id: number, bias: number])[]
  readonly seed: number
  /** How many alternatives to report; null: no log-probabilities at all. */
  readonly logprobs: number | null
}

export interface Alternative {
  readonly id: number
  readonly logprob: number
}

export interface Draw extends Alternative {
  readonly top: readonly Alternative[]
}

/** The tokens that penalties look at. */
export interface History {
  readonly prompt: ReadonlySet<number>
  readonly generated: ReadonlyMap<number, number>
}

/** The model returned NaN, +Infinity or nothing but -Infinity: the turn fails, its state is not kept. */
export class LogitsError extends Error {
  override name = 'LogitsError' as const
}

/**
 * The token number `index` of stream `stream`, with log-probabilities of the model's own distribution
 * (before penalties and temperature) when `sampling.logprobs` asks for them.
 */
export function sample(
  logits: Float32Array,
  sampling: Sampling,
  history: History,
  stream: number,
  index: number,
): Draw {
  requireFinite(logits)
  const adjusted = adjust(logits, sampling, history)
  const id =
    sampling.temperature === 0 ? argmax(adjusted) : pick(adjusted, sampling, uniform(sampling.seed, stream, index))
  return sampling.logprobs === null ? { id, logprob: 0, top: [] } : { id, ...describe(logits, id, sampling.logprobs) }
}

/** Log-probability of `id` and the `count` likeliest tokens, ties by lower id. */
export function describe(logits: Float32Array, id: number, count: number): { logprob: number; top: Alternative[] } {
  requireFinite(logits)
  const max = logits[argmax(logits)] as number
  let total = 0
  for (let i = 0; i < logits.length; i++) total += Math.exp((logits[i] as number) - max)
  const normalizer = max + Math.log(total)
  const top = likeliest(logits, count).map((index) => ({ id: index, logprob: (logits[index] as number) - normalizer }))
  return { logprob: (logits[id] as number) - normalizer, top }
}

// Loops by index below: they run for every token over the whole vocabulary.

/** Throws LogitsError for NaN, +Infinity, or nothing but -Infinity. */
export function requireFinite(logits: Float32Array): void {
  let some = false
  for (let id = 0; id < logits.length; id++) {
    const value = logits[id] as number
    if (!(value < Infinity)) throw new LogitsError(`logits: expected finite numbers, got ${value}`)
    if (value > -Infinity) some = true
  }
  if (!some) throw new LogitsError('logits: expected at least one finite number, got none')
}

function adjust(logits: Float32Array, sampling: Sampling, history: History): Float32Array {
  const { frequencyPenalty, presencePenalty, repetitionPenalty, logitBias } = sampling
  const adjusted = logits.slice()
  if (repetitionPenalty !== 1) {
    for (const id of new Set([...history.prompt, ...history.generated.keys()])) {
      const value = adjusted[id] as number
      adjusted[id] = value > 0 ? value / repetitionPenalty : value * repetitionPenalty
    }
  }
  if (frequencyPenalty !== 0 || presencePenalty !== 0) {
    for (const [id, count] of history.generated) {
      adjusted[id] = (adjusted[id] as number) - frequencyPenalty * count - presencePenalty
    }
  }
  for (const [id, bias] of logitBias) adjusted[id] = (adjusted[id] as number) + bias
  return adjusted
}

/** One token of softmax(logits / temperature), cut by top-k, then top-p, then min-p. */
function pick(logits: Float32Array, sampling: Sampling, u: number): number {
  const { temperature, topK, topP, minP } = sampling
  const max = logits[argmax(logits)] as number
  const weights = new Float64Array(logits.length)
  // The difference first: a tiny temperature then gives 0 and -Infinity, never NaN.
  for (let id = 0; id < weights.length; id++) weights[id] = Math.exp(((logits[id] as number) - max) / temperature)
  let candidates = kept(weights, topK, minP)
  if (topP < 1) candidates = nucleus(candidates, weights, topP)
  let rest = u * weigh(candidates, weights)
  for (const id of candidates) {
    rest -= weights[id] as number
    if (rest < 0) return id
  }
  return candidates.at(-1) as number // u * total met its own rounding
}

function weigh(ids: readonly number[], weights: Float64Array): number {
  let total = 0
  for (const id of ids) total += weights[id] as number
  return total
}

/** Ids in ascending order of those that top-k and min-p leave; the largest weight is 1, so min-p compares directly. */
function kept(weights: Float64Array, topK: number, minP: number): number[] {
  let floor = minP
  let ties = Infinity
  if (topK > 0 && topK < weights.length) {
    const sorted = weights.toSorted()
    const kth = sorted[weights.length - topK] as number
    floor = Math.max(minP, kth)
    if (floor === kth) ties = topK - (weights.length - 1 - sorted.lastIndexOf(kth))
  }
  const ids: number[] = []
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id] as number
    if (weight === 0 || weight < floor) continue
    if (weight === floor && ties-- <= 0) continue
    ids.push(id)
  }
  return ids
}

/** The smallest set of likeliest tokens that holds `topP` of the weight. */
function nucleus(candidates: readonly number[], weights: Float64Array, topP: number): number[] {
  const total = weigh(candidates, weights)
  // Tokens below this cannot matter: all of them together weigh less than 1 - topP.
  const floor = ((1 - topP) * total) / candidates.length
  const sorted = candidates
    .filter((id) => (weights[id] as number) >= floor)
    .toSorted((a, b) => (weights[b] as number) - (weights[a] as number) || a - b)
  let sum = 0
  const size = sorted.findIndex((id) => (sum += weights[id] as number) >= topP * total)
  return size < 0 ? sorted : sorted.slice(0, size + 1)
}

function argmax(values: Float32Array): number {
  let best = 0
  for (let id = 1; id < values.length; id++) if ((values[id] as number) > (values[best] as number)) best = id
  return best
}

/** Ids of the `count` largest values, largest first, by insertion into a short list. */
function likeliest(values: Float32Array, count: number): number[] {
  const top: number[] = []
  if (count === 0) return top
  for (let id = 0; id < values.length; id++) {
    const value = values[id] as number
    if (top.length === count && value <= (values[top.at(-1) as number] as number)) continue
    let at = top.length
    while (at > 0 && value > (values[top[at - 1] as number] as number)) at--
    top.splice(at, 0, id)
    if (top.length > count) top.pop()
  }
  return top
}
