/** How far the predictions of one model are from those of another, on the same text. */
import type { Decoder } from '../runtime/decoder.ts'

/** Of a model and of one that is compared with it. */
export interface Pair {
  readonly reference: number
  readonly compared: number
}

export interface Divergence {
  /** Tokens that were predicted. */
  readonly tokens: number
  readonly perplexity: Pair
  /** Mean Kullback-Leibler divergence of the compared predictions from those of the reference, in nats. */
  readonly divergence: number
}

/** Tokens of one call. */
const PIECE = 64

/** Gives the logits of all ids but the last, each with the id that follows. */
export async function* predictions(
  decoder: Decoder,
  ids: readonly number[],
): AsyncGenerator<{ logits: Float32Array; next: number }> {
  let state = decoder.start(1)
  for (let at = 0; at + 1 < ids.length; at += PIECE) {
    const piece = ids.slice(at, Math.min(at + PIECE, ids.length - 1))
    const step = await decoder.run([piece], state)
    state = step.state
    const logits = step.logits.data as Float32Array
    for (let t = 0; t < piece.length; t++)
      yield { logits: logits.subarray(t * decoder.vocab, (t + 1) * decoder.vocab), next: ids[at + t + 1]! }
  }
}

/** Takes in predictions of both models, token after token. */
export class DivergenceMeter {
  #tokens = 0
  #reference = 0
  #compared = 0
  #divergence = 0

  add(reference: Float32Array, compared: Float32Array, next: number): void {
    const [p, q] = [logProbs(reference), logProbs(compared)]
    this.#tokens++
    this.#reference -= p[next]!
    this.#compared -= q[next]!
    for (let id = 0; id < p.length; id++) this.#divergence += Math.exp(p[id]!) * (p[id]! - q[id]!)
  }

  result(): Divergence {
    const mean = (sum: number): number => sum / this.#tokens
    return {
      tokens: this.#tokens,
      perplexity: { reference: Math.exp(mean(this.#reference)), compared: Math.exp(mean(this.#compared)) },
      divergence: mean(this.#divergence),
    }
  }
}

function logProbs(logits: Float32Array): Float64Array {
  let most = -Infinity
  for (const x of logits) most = Math.max(most, x)
  let sum = 0
  for (const x of logits) sum += Math.exp(x - most)
  const total = Math.log(sum) + most
  return Float64Array.from(logits, (x) => x - total)
}
