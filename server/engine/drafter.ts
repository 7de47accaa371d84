/**
 * Drafts of what a reply goes on with, out of the prompt and the reply itself: prompt lookup decoding. A draft is worth its
 * cost where predictions have been right; they are judged by every token, drafted or not, so that text which does not
 * repeat itself costs nothing.
 */
import { NgramIndex } from './ngram-index.ts'

/** What a turn asks of drafts. */
export interface DraftOptions {
  /** Tokens of a draft at most. */
  readonly maxTokens: number
  /** What the reply is said to be like; it cannot change the reply. */
  readonly prediction: readonly number[] | null
  /** Tokens of the conversation before the prompt, as far as they are known. */
  readonly history: readonly number[]
}

/** What became of a reply's drafts. */
export interface DraftCounts {
  /** Drafts that were verified, their tokens, and how many of those the reply has. */
  readonly drafts: number
  readonly tokens: number
  readonly accepted: number
  /** The same tokens, of drafts out of the prediction. */
  readonly predictionAccepted: number
  readonly predictionRejected: number
}

/**
 * What a further token of a call costs, as a part of a call of one token. SmolLM2-135M in 4 bits: calls of 4, 8 and 16
 * tokens take 1.5 to 1.9, 2.2 to 3 and 3.8 to 5 times as long as one of 1; a hybrid of Qwen3.5's layers the same.
 */
const TOKEN_COST = 0.2
/** A draft has to be expected to gain so much. */
const WORTHWHILE = 1.1
/** How often a prediction is expected to be right before any was judged, by how much of the text before it is the same. */
const FIRST_RATES = [0.2, 0.35, 0.6, 0.8, 0.9] as const
/** Predictions that the first rate counts as, and most that a rate remembers. */
const FIRST_WEIGHT = 4
const MOST_WEIGHT = 24
/** Of a prediction by the client, the beginning counts as much as a match of so many tokens. */
const PREDICTION_MATCH = 8

export class Drafter {
  readonly #options: DraftOptions
  readonly #index = new NgramIndex()
  /** Of each class of matches, how often what followed was predicted. */
  readonly #rates = FIRST_RATES.map((rate) => ({ rate, weight: FIRST_WEIGHT }))
  /** Positions of the client's prediction in the index. */
  readonly #prediction: { readonly from: number; readonly to: number }
  readonly #counts = { drafts: 0, tokens: 0, accepted: 0, predictionAccepted: 0, predictionRejected: 0 }
  /** The position in the index that the last draft was taken from, and its length. */
  #last = { from: 0, length: 0 }

  /** `prompt` are the tokens that the reply follows. */
  constructor(options: DraftOptions, prompt: readonly number[]) {
    this.#options = options
    for (const token of options.history) this.#index.push(token)
    for (const token of prompt) this.#index.push(token)
    const from = this.#index.count
    for (const token of options.prediction ?? []) this.#index.push(token)
    this.#prediction = { from, to: this.#index.count }
    if (options.prediction) this.#index.follow(from, PREDICTION_MATCH)
  }

  get counts(): DraftCounts {
    return this.#counts
  }

  /** The reply goes on with `token`. */
  push(token: number): void {
    const { matched } = this.#index
    if (matched > 0) {
      const seen = this.#classOf(matched)
      const hit = this.#index.predict(1)[0] === token ? 1 : 0
      seen.rate += (hit - seen.rate) / (seen.weight + 1)
      seen.weight = Math.min(seen.weight + 1, MOST_WEIGHT)
    }
    this.#index.push(token)
  }

  /** A draft of at most `room` tokens for a call that feeds `known` tokens besides; empty where none is worth its cost. */
  propose(known: number, room: number): number[] {
    const most = Math.min(room, this.#options.maxTokens)
    const length = most > 0 && this.#index.matched > 0 ? this.#bestLength(known, most) : 0
    this.#last = { from: this.#index.next, length }
    return this.#index.predict(length)
  }

  /** The last draft was verified: the reply has its first `accepted` tokens. */
  settle(accepted: number): void {
    const { from, length } = this.#last
    const counts = this.#counts
    counts.drafts++
    counts.tokens += length
    counts.accepted += accepted
    for (let at = 0; at < length; at++) {
      if (from + at < this.#prediction.from || from + at >= this.#prediction.to) continue
      if (at < accepted) counts.predictionAccepted++
      else counts.predictionRejected++
    }
  }

  /**
   * The length from which the most tokens are expected for the time that they take. What a rejected draft began is fed
   * once more with the next call.
   */
  #bestLength(known: number, most: number): number {
    let [length, best] = [0, WORTHWHILE / (1 + TOKEN_COST * (known - 1))]
    let [survives, expected, again] = [1, 1, 0]
    for (let tokens = 1; tokens <= most; tokens++) {
      const next = survives * this.#classOf(this.#index.matched + tokens - 1).rate
      again += (survives - next) * tokens
      survives = next
      expected += survives
      const value = expected / (1 + TOKEN_COST * (known - 1 + tokens + again))
      if (value > best) [length, best] = [tokens, value]
    }
    return length
  }

  #classOf(matched: number): { rate: number; weight: number } {
    const at = matched < 4 ? matched - 2 : matched < 8 ? 2 : matched < 16 ? 3 : 4
    return this.#rates[Math.max(0, at)] as { rate: number; weight: number }
  }
}
