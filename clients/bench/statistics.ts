/** The middle and the ends of samples. */

export interface Summary {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Throws for no samples. */
export function summaryOf(samples: readonly number[]): Summary {
  if (samples.length === 0) throw new Error('expected at least one sample, got none')
  return { median: quantile(samples, 0.5), min: Math.min(...samples), max: Math.max(...samples) }
}

/** The smallest sample that at least the fraction `q` of all does not exceed; NaN of none. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? NaN
}
