/**
 * Tokens out of an early exit, of one reply. Lossless: they are drafts, which the whole model verifies, and the reply is what it
 * would be without. Lossy: where the exit is sure enough its token is the reply's, unverified, by the threshold of CALM
 * (Schuster et al. 2022, arXiv 2207.07061).
 */
import type { ExitInfo } from './early-stage.ts'

/** What a call of the early stage and a further verified token cost, as parts of a call of the whole model with one token. */
export interface ExitCost {
  readonly draft: number
  readonly verify: number
}

/** An exit, and whether it drafts where nobody said so. */
export interface MeasuredExit extends ExitInfo, ExitCost {
  /** Tokens for the time of one that are expected at best. */
  readonly speed: number
  readonly pays: boolean
}

/** What became of the exits of a reply. */
export interface ExitCounts {
  /** Layers before the exit. */
  readonly after: number
  /** Tokens that the exit drafted, and how many of them the reply has. */
  readonly drafted: number
  readonly accepted: number
  /** Tokens of the reply that the exit decided alone: the later layers did not verify them. */
  readonly unverified: number
  /** Which ones: the number of the first of several that follow each other, counted from 0, and how many these are. */
  readonly unverifiedRuns: readonly (readonly [from: number, count: number])[]
  /** The threshold that was asked for, of a reply that may have such tokens. */
  readonly threshold: number | null
}

/** A draft has to be expected to gain so much. */
const WORTHWHILE = 1.1
/** Margins between the two likeliest tokens from which on a class of drafts begins, and how often it is right at first. */
const CLASSES = [
  { from: 0.8, rate: 0.9 },
  { from: 0.4, rate: 0.6 },
  { from: 0, rate: 0.25 },
] as const
const FIRST_WEIGHT = 4
const MOST_WEIGHT = 24
/** Of what drafts gained, in the time of a token, so many of the last ones decide; after a loss there is none for so many calls. */
const REMEMBERED = 8
const REST = 16

/** An exit with what was measured of it: the best of all lengths of drafts decides whether it pays. */
export function measuredExit({ after, agreement }: ExitInfo, cost: ExitCost, longest: number): MeasuredExit {
  let [expected, survives, speed] = [1, 1, 1]
  for (let tokens = 1; tokens <= longest; tokens++) {
    survives *= agreement
    expected += survives
    speed = Math.max(speed, expected / (1 + tokens * (cost.draft + cost.verify)))
  }
  return { after, agreement, ...cost, speed, pays: speed >= WORTHWHILE }
}

export class ExitDrafter {
  readonly #exit: MeasuredExit
  readonly #threshold: number | null
  readonly #rates = CLASSES.map(({ rate }) => ({ rate, weight: FIRST_WEIGHT }))
  readonly #counts = { drafted: 0, accepted: 0, unverified: 0 }
  readonly #runs: [from: number, count: number][] = []
  /** The classes of the tokens of the draft that is made. */
  #draft: number[] = []
  #expected = 1
  #survives = 1
  /** Calls of the early stage for this draft, and how many of its tokens the reply has. */
  #calls = 0
  #accepted = 0
  /** Tokens that a draft gained on the average, less what it cost. */
  #gain = 0.1
  #rest = 0

  /** `threshold`: the margin from which on a token is taken without being verified; null: all are verified. */
  constructor(exit: MeasuredExit, threshold: number | null) {
    this.#exit = exit
    this.#threshold = threshold
  }

  get isLossy(): boolean {
    return this.#threshold !== null
  }

  get counts(): ExitCounts {
    return { after: this.#exit.after, ...this.#counts, unverifiedRuns: this.#runs, threshold: this.#threshold }
  }

  /** Whether the early stage is to be called before the next call: not for a while after drafts that cost more than they gave. */
  begin(): boolean {
    if (this.#calls > 0) this.#judge()
    this.#draft = []
    ;[this.#expected, this.#survives, this.#calls, this.#accepted] = [1, 1, 0, 0]
    if (this.#rest === 0 || this.isLossy) return true
    this.#rest--
    return false
  }

  /**
   * Whether the exit's token with this margin joins the draft: where it is expected to be worth more than the time of its
   * verification and of the call that would follow it.
   */
  joins(margin: number): boolean {
    this.#calls++
    const at = CLASSES.findIndex(({ from }) => margin >= from)
    const survives = this.#survives * this.#rates[at]!.rate
    const length = this.#draft.length
    const cost = 1 + length * (this.#exit.draft + this.#exit.verify) + this.#exit.draft
    if ((this.#expected + survives) / (cost + this.#exit.verify) < this.#expected / cost) return false
    this.#draft.push(at)
    this.#expected += survives
    this.#survives = survives
    return true
  }

  /** The reply has the first `accepted` tokens of the draft. */
  settle(accepted: number): void {
    for (const [at, name] of this.#draft.entries()) {
      if (at > accepted) break // what follows a wrong token was no prediction of this reply
      const seen = this.#rates[name]!
      seen.rate += ((at < accepted ? 1 : 0) - seen.rate) / (seen.weight + 1)
      seen.weight = Math.min(seen.weight + 1, MOST_WEIGHT)
    }
    this.#counts.drafted += this.#draft.length
    this.#counts.accepted += accepted
    this.#accepted = accepted
  }

  #judge(): void {
    const cost = this.#calls * this.#exit.draft + this.#draft.length * this.#exit.verify
    this.#gain += (this.#accepted - cost - this.#gain) / REMEMBERED
    if (this.#gain >= 0) return
    this.#gain = 0
    this.#rest = REST
  }

  /** Whether token number `token` of at most `most` is taken unverified with this margin; it is counted. */
  takes(margin: number, token: number, most: number): boolean {
    if (this.#threshold === null || margin <= thresholdAt(this.#threshold, token, most)) return false
    this.#counts.unverified++
    const last = this.#runs.at(-1)
    if (last && last[0] + last[1] === token) last[1]++
    else this.#runs.push([token, 1])
    return true
  }
}

/** CALM's threshold, higher at the beginning of a reply: a wrong token there is followed by more. */
export function thresholdAt(threshold: number, token: number, most: number): number {
  return Math.min(1, Math.max(0, 0.9 * threshold + 0.1 * Math.exp((-4 * token) / most)))
}

/** The difference between the probabilities of the two likeliest tokens. */
export function marginOf(logits: Float32Array): number {
  let [first, second] = [-Infinity, -Infinity]
  for (const logit of logits) {
    if (logit > first) [second, first] = [first, logit]
    else if (logit > second) second = logit
  }
  let sum = 0
  for (const logit of logits) sum += Math.exp(logit - first)
  return (1 - Math.exp(second - first)) / sum
}
