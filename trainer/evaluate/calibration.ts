/** Probabilities that mean what they say: a temperature for logits, and below which probability nothing is said. */
import { tempered } from '../../runtime/critic.ts'

/** Logits, and the number of the right one. */
export interface Labelled {
  readonly logits: ArrayLike<number>
  readonly label: number
}

/** Temperatures that are tried, as logarithms. */
const [COLDEST, HOTTEST] = [Math.log(0.05), Math.log(20)]
const STEPS = 60
const GOLDEN = (Math.sqrt(5) - 1) / 2

/** The temperature at which the labels are likeliest (Guo et al. 2017, arXiv 1706.04599), found by golden section. */
export function fitTemperature(labelled: readonly Labelled[]): number {
  const loss = (logarithm: number): number => crossEntropy(labelled, Math.exp(logarithm))
  let [low, high] = [COLDEST, HOTTEST]
  for (let step = 0; step < STEPS; step++) {
    const [a, b] = [high - GOLDEN * (high - low), low + GOLDEN * (high - low)]
    if (loss(a) < loss(b)) high = b
    else low = a
  }
  return Math.exp((low + high) / 2)
}

function crossEntropy(labelled: readonly Labelled[], temperature: number): number {
  const least = Number.MIN_VALUE
  return labelled.reduce(
    (sum, { logits, label }) => sum - Math.log(Math.max(least, tempered(logits, temperature)[label]!)),
    0,
  )
}

/** Something that was said with a probability, and whether it was right. */
export interface Said {
  readonly probability: number
  readonly isRight: boolean
}

/**
 * The smallest probability from which on at most `risk` of what is said is wrong; 1 where there is none. Sayings of equal
 * probability are taken together.
 */
export function leastProbability(said: readonly Said[], risk: number): number {
  const sorted = said.toSorted((a, b) => b.probability - a.probability)
  let [wrong, least] = [0, 1]
  for (const [i, { probability, isRight }] of sorted.entries()) {
    wrong += Number(!isRight)
    if (sorted[i + 1]?.probability !== probability && wrong / (i + 1) <= risk) least = probability
  }
  return least
}

/**
 * The area under the receiver operating curve: how often a positive one has the higher score, ties counting half (Hanley
 * and McNeil 1982).
 */
export function auroc(positive: readonly number[], negative: readonly number[]): number {
  const all = [
    ...positive.map((score) => ({ score, isPositive: true })),
    ...negative.map((score) => ({ score, isPositive: false })),
  ]
  all.sort((a, b) => a.score - b.score)
  let ranks = 0
  for (let from = 0; from < all.length;) {
    let to = from
    while (to < all.length && all[to]!.score === all[from]!.score) to++
    const rank = (from + 1 + to) / 2
    for (let i = from; i < to; i++) if (all[i]!.isPositive) ranks += rank
    from = to
  }
  const [p, n] = [positive.length, negative.length]
  return p * n === 0 ? Number.NaN : (ranks - (p * (p + 1)) / 2) / (p * n)
}
