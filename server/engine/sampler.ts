/** From one row of logits to one token: pure, seeded, and the same whatever else runs. */
import { argmax, LargestOf } from './largest.ts'
import { nucleus } from './nucleus.ts'
import { uniform } from './philox.ts'
import { floorOf, softmaxWeights } from './weights.ts'

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

/** Memory for a vocabulary, kept from token to token: nothing is allocated that grows with the vocabulary. */
interface Scratch {
  readonly adjusted: Float32Array
  readonly weights: Float32Array
  readonly ids: Int32Array
}

/** By size: models that share a thread take turns. */
const scratches = new Map<number, Scratch>()
const largest = new LargestOf()

function scratchFor(vocab: number): Scratch {
  const kept = scratches.get(vocab)
  if (kept) return kept
  const made = { adjusted: new Float32Array(vocab), weights: new Float32Array(vocab), ids: new Int32Array(vocab) }
  scratches.set(vocab, made)
  return made
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
  const { temperature, seed, logprobs } = sampling
  const likeliest = requireFinite(logits)
  const adjusted = adjust(logits, sampling, history)
  const best = adjusted === logits ? likeliest : argmax(adjusted, refuse)
  const id = temperature === 0 ? best : draw(adjusted, best, sampling, uniform(seed, stream, index))
  return logprobs === null ? { id, logprob: 0, top: [] } : { id, ...describe(logits, id, logprobs) }
}

/** Log-probability of `id` and the `count` likeliest tokens, ties by lower id. */
export function describe(logits: Float32Array, id: number, count: number): { logprob: number; top: Alternative[] } {
  const max = logits[requireFinite(logits)] as number
  const { weights } = scratchFor(logits.length)
  const normalizer = max + Math.log(softmaxWeights(logits, max, 1, weights))
  const top = Array.from(largest.find(logits, count), (at) => ({
    id: at,
    logprob: (logits[at] as number) - normalizer,
  }))
  return { logprob: (logits[id] as number) - normalizer, top }
}

/** The likeliest token. Throws LogitsError for NaN, +Infinity, or nothing but -Infinity. */
export function requireFinite(logits: Float32Array): number {
  return argmax(logits, refuse)
}

function refuse(value: number): LogitsError {
  return new LogitsError(
    value === -Infinity
      ? 'logits: expected at least one finite number, got none'
      : `logits: expected finite numbers, got ${value}`,
  )
}

/** The logits with penalties and biases; the same memory as before if there are none. */
function adjust(logits: Float32Array, sampling: Sampling, { prompt, generated }: History): Float32Array {
  const { frequencyPenalty, presencePenalty, repetitionPenalty, logitBias } = sampling
  const penalised = repetitionPenalty !== 1 || frequencyPenalty !== 0 || presencePenalty !== 0
  if (!penalised && logitBias.length === 0) return logits
  const { adjusted } = scratchFor(logits.length)
  adjusted.set(logits)
  const repeat = (id: number): void => {
    const value = adjusted[id] as number
    adjusted[id] = value > 0 ? value / repetitionPenalty : value * repetitionPenalty
  }
  if (repetitionPenalty !== 1) {
    for (const id of prompt) repeat(id)
    for (const id of generated.keys()) if (!prompt.has(id)) repeat(id)
  }
  if (frequencyPenalty !== 0 || presencePenalty !== 0) {
    generated.forEach((count, id) => {
      adjusted[id] = (adjusted[id] as number) - frequencyPenalty * count - presencePenalty
    })
  }
  for (const [id, bias] of logitBias) adjusted[id] = (adjusted[id] as number) + bias
  return adjusted
}

/** One token of softmax(logits / temperature), cut by top-k, then min-p, then top-p. `best` is the likeliest. */
function draw(logits: Float32Array, best: number, { temperature, topK, minP, topP }: Sampling, u: number): number {
  const max = logits[best] as number
  const { weights } = scratchFor(logits.length)
  if (topK > 0 && topK < logits.length) {
    const ids = largest.find(logits, topK)
    return drawAmong(ids, weigh(logits, ids, max, temperature, weights), weights, minP, topP, u)
  }
  if (minP > 0) {
    const ids = atLeast(logits, max + temperature * Math.log(minP))
    return drawAmong(ids, weigh(logits, ids, max, temperature, weights), weights, minP, topP, u)
  }
  const total = softmaxWeights(logits, max, temperature, weights)
  if (topP === 1) return drawAny(weights, u * total)
  return drawNucleus(weights, topP * total, u)
}

/** Of the fewest likeliest tokens that weigh `wanted` together. */
function drawNucleus(weights: Float32Array, wanted: number, u: number): number {
  const { ids } = scratchFor(weights.length)
  const floor = floorOf(wanted)
  const sure = 2 * floor
  // Those that surely belong to it are put to the front of `ids`, and those that may to its end.
  let front = 0
  let back = ids.length
  let sum = 0
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id] as number
    if (weight < floor) continue
    if (weight < sure) ids[--back] = id
    else {
      ids[front++] = id
      sum += weight
    }
  }
  const last = nucleus(ids.subarray(back), weights, wanted - sum)
  let rest = u * (sum + last.weight)
  for (let at = 0; at < front; at++) {
    rest -= weights[ids[at] as number] as number
    if (rest < 0) return ids[at] as number
  }
  for (let at = back; at < back + last.size; at++) {
    rest -= weights[ids[at] as number] as number
    if (rest < 0) return ids[at] as number
  }
  return ids[last.size > 0 ? back + last.size - 1 : front - 1] as number // rounding left a remainder
}

/** Weights of few tokens; returns their sum. */
function weigh(logits: Float32Array, ids: Int32Array, max: number, temperature: number, weights: Float32Array): number {
  let total = 0
  for (const id of ids) {
    // The difference first: a tiny temperature then gives 0 and -Infinity, never NaN.
    weights[id] = Math.exp(((logits[id] as number) - max) / temperature)
    total += weights[id]
  }
  return total
}

/** Of `ids`, which weigh `total`; the likeliest weighs 1, so min-p compares directly. */
function drawAmong(
  ids: Int32Array,
  total: number,
  weights: Float32Array,
  minP: number,
  topP: number,
  u: number,
): number {
  let candidates = ids
  let weight = total
  if (minP > 0) {
    candidates = ids.filter((id) => (weights[id] as number) >= minP)
    weight = candidates.reduce((sum, id) => sum + (weights[id] as number), 0)
  }
  if (topP < 1) {
    const kept = nucleus(candidates, weights, topP * weight)
    candidates = candidates.subarray(0, kept.size)
    weight = kept.weight
  }
  let rest = u * weight
  for (let at = 0; at < candidates.length; at++) {
    rest -= weights[candidates[at] as number] as number
    if (rest < 0) return candidates[at] as number
  }
  return candidates.at(-1) as number // rounding left a remainder
}

/** Of all tokens, the one at which the weights reach `rest`. */
function drawAny(weights: Float32Array, rest: number): number {
  let left = rest
  let last = 0
  for (let id = 0; id < weights.length; id++) {
    const weight = weights[id] as number
    left -= weight
    if (left < 0) return id
    if (weight > 0) last = id
  }
  return last // rounding left a remainder
}

/** The ids of values that are at least `floor`, in ascending order; valid until the next call. */
function atLeast(values: Float32Array, floor: number): Int32Array {
  const { ids } = scratchFor(values.length)
  let count = 0
  for (let id = 0; id < values.length; id++) {
    // In most groups of four there is none.
    while (
      id + 3 < values.length &&
      (values[id] as number) < floor &&
      (values[id + 1] as number) < floor &&
      (values[id + 2] as number) < floor &&
      (values[id + 3] as number) < floor
    )
      id += 4
    if ((values[id] as number) >= floor) ids[count++] = id
  }
  return ids.subarray(0, count)
}
