/** How well questions were answered, and how well the answers' confidence told right from wrong. */
import { shareOf, type Share } from './interval.ts'
import { mean } from './telemetry/statistics.ts'

/** What became of one question. */
export interface Outcome {
  readonly id: string
  readonly isRight: boolean
  /** Whether the reply says that it does not know. */
  readonly abstains: boolean
  /** 0 to 1: how sure the model was of its answer; null where that is not known. */
  readonly confidence: number | null
  /** Words shared with the nearest right answer, 0 to 1; null where the answer is not a text. */
  readonly f1: number | null
  /** Milliseconds of the request. */
  readonly latency: number
  /** Tokens that the server computed for it: of the prompt, and of the reply. */
  readonly tokens: number
}

export interface Scores {
  readonly accuracy: Share
  /** What a blind guess gets right. */
  readonly chance: number
  readonly abstained: number
  readonly f1: number | null
  /** Share of all questions that were answered wrongly with a confidence of SURE or more. */
  readonly hallucination: Share | null
  /** Expected calibration error over ten bins of equal width (Guo et al., "On Calibration of Modern Neural Networks", 2017). */
  readonly ece: number | null
  /** Mean squared difference of confidence and truth. */
  readonly brier: number | null
  /** Risk against coverage, the surest answers first (El-Yaniv and Wiener, 2010), and the mean risk under it. */
  readonly coverage: readonly { readonly coverage: number; readonly risk: number }[]
  readonly aurc: number | null
  readonly latency: { readonly p50: number; readonly p95: number }
  /** A question's tokens, the mean. */
  readonly tokens: number
}

/** From this confidence on, a wrong answer counts as a hallucination. */
export const SURE = 0.8
const BINS = 10
const POINTS = 20

/** Throws RangeError where there are no outcomes. */
export function scoresOf(outcomes: readonly Outcome[], chance: number): Scores {
  if (outcomes.length === 0) throw new RangeError('scoresOf: expected outcomes, got none')
  const answers = outcomes.filter(({ abstains }) => !abstains)
  const rated = answers.filter((one): one is Rated => one.confidence !== null)
  const known = rated.length > 0
  const texts = outcomes.flatMap(({ f1 }) => (f1 === null ? [] : [f1]))
  const sure = rated.filter(({ isRight, confidence }) => !isRight && confidence >= SURE)
  const curve = riskAt(rated)
  return {
    accuracy: shareOf(outcomes.filter(({ isRight }) => isRight).length, outcomes.length),
    chance,
    abstained: outcomes.length - answers.length,
    f1: texts.length > 0 ? mean(texts) : null,
    hallucination: known ? shareOf(sure.length, outcomes.length) : null,
    ece: known ? calibrationError(rated) : null,
    brier: known ? mean(rated.map(({ isRight, confidence }) => (confidence - Number(isRight)) ** 2)) : null,
    coverage: curve.filter((_, i) => (i + 1) % Math.max(1, Math.floor(curve.length / POINTS)) === 0),
    aurc: known ? mean(curve.map(({ risk }) => risk)) : null,
    latency: quantiles(outcomes.map(({ latency }) => latency)),
    tokens: mean(outcomes.map(({ tokens }) => tokens)),
  }
}

type Rated = Outcome & { readonly confidence: number }

/** After each answer, the surest first: which share has been answered, and how much of that is wrong. */
function riskAt(rated: readonly Rated[]): { coverage: number; risk: number }[] {
  let wrong = 0
  return rated
    .toSorted((a, b) => b.confidence - a.confidence)
    .map(({ isRight }, i) => {
      wrong += Number(!isRight)
      return { coverage: (i + 1) / rated.length, risk: wrong / (i + 1) }
    })
}

/** Expected calibration error over ten bins of equal width. */
export function calibrationError(rated: readonly Pick<Rated, 'confidence' | 'isRight'>[]): number {
  const bins = Array.from({ length: BINS }, () => ({ confidence: 0, right: 0 }))
  for (const { confidence, isRight } of rated) {
    const bin = bins[Math.min(BINS - 1, Math.floor(confidence * BINS))]!
    bin.confidence += confidence
    bin.right += Number(isRight)
  }
  return bins.reduce((sum, { confidence, right }) => sum + Math.abs(confidence - right), 0) / rated.length
}

function quantiles(values: readonly number[]): Scores['latency'] {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
  return { p50: at(0.5), p95: at(0.95) }
}

/** Shared words of two texts as an F1, 0 to 1, as SQuAD counts it: in lower case, without punctuation and articles. */
export function wordF1(reply: string, answer: string): number {
  const [said, wanted] = [wordsOf(reply), wordsOf(answer)]
  const left = new Map<string, number>()
  for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1)
  let shared = 0
  for (const word of said) {
    const more = left.get(word) ?? 0
    if (more > 0) shared++
    left.set(word, more - 1)
  }
  return shared === 0 ? 0 : (2 * shared) / (said.length + wanted.length)
}

const wordsOf = (text: string): string[] =>
  (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => !['a', 'an', 'the'].includes(word))
