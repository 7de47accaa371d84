/** Logistic regression by Newton's method (iteratively reweighted least squares; Hastie, Tibshirani & Friedman 2009, section 4.4.1). */

export interface Example {
  /** The first number is 1. */
  readonly x: readonly number[]
  readonly isRight: boolean
  /** How much it counts among those of its kind. */
  readonly weight: number
}

const STEPS = 20

/**
 * The weights that make right ones likely and wrong ones not; both count the same in all. `decay`: what the squares of all weights
 * but the first cost; `left`: features that get no weight.
 */
export function fitLogistic(
  examples: readonly Example[],
  decay: number,
  left: ReadonlySet<number> = new Set(),
): number[] {
  const used = [...examples[0]!.x.keys()].filter((i) => !left.has(i))
  const sumOf = (is: boolean): number =>
    examples.reduce((sum, { isRight, weight }) => sum + (isRight === is ? weight : 0), 0)
  const [right, wrong] = [sumOf(true), sumOf(false)]
  const rows = examples.map(({ x, isRight, weight }) => ({
    x: Float64Array.from(used, (i) => x[i]!),
    target: Number(isRight),
    weight: (weight * (right + wrong)) / 2 / (isRight ? right : wrong),
  }))
  const weights = new Float64Array(used.length)
  for (let step = 0; step < STEPS; step++) {
    const gradient = weights.map((weight, i) => (i === 0 ? 0 : decay * weight))
    const curvature = used.map((_, i) => new Float64Array(used.length).fill(i === 0 ? 0 : decay, i, i + 1))
    for (const { x, target, weight } of rows) {
      const sure = surely(weights, x)
      const [error, spread] = [weight * (sure - target), Math.max(weight * sure * (1 - sure), 1e-12)]
      for (let i = 0; i < x.length; i++) {
        gradient[i]! += error * x[i]!
        const scaled = spread * x[i]!
        if (scaled !== 0) for (let j = 0; j <= i; j++) curvature[i]![j]! += scaled * x[j]!
      }
    }
    for (const [i, change] of solved(curvature, gradient).entries()) weights[i]! -= change
  }
  const all = examples[0]!.x.map(() => 0)
  for (const [at, i] of used.entries()) all[i] = weights[at]!
  return all
}

/** How likely an example is right by weights, 0 to 1. */
export function surely(weights: ArrayLike<number>, x: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < x.length; i++) sum += weights[i]! * x[i]!
  return 1 / (1 + Math.exp(-sum))
}

/** Solves A s = b by Cholesky's decomposition; A is symmetric and positive, and only its lower half is read (and overwritten). */
function solved(a: readonly Float64Array[], b: Float64Array): Float64Array {
  const out = b.slice()
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j <= i; j++) {
      let sum = a[i]![j]!
      for (let k = 0; k < j; k++) sum -= a[i]![k]! * a[j]![k]!
      a[i]![j] = i === j ? Math.sqrt(Math.max(sum, 1e-9)) : sum / a[j]![j]!
    }
  for (let i = 0; i < a.length; i++) {
    for (let k = 0; k < i; k++) out[i]! -= a[i]![k]! * out[k]!
    out[i]! /= a[i]![i]!
  }
  for (let i = a.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < a.length; k++) out[i]! -= a[k]![i]! * out[k]!
    out[i]! /= a[i]![i]!
  }
  return out
}
