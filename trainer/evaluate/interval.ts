/** Intervals of measured shares. */

/**
 * The 95 % interval of a share after `right` successes in `asked` trials; [0, 1] after none.
 * Wilson, "Probable inference, the law of succession, and statistical inference", 1927.
 */
export function wilsonInterval(right: number, asked: number): readonly [number, number] {
  if (asked === 0) return [0, 1]
  const z = 1.959963984540054
  const share = right / asked
  const centre = share + (z * z) / (2 * asked)
  const spread = z * Math.sqrt((share * (1 - share)) / asked + (z * z) / (4 * asked * asked))
  const scale = 1 + (z * z) / asked
  return [right === 0 ? 0 : (centre - spread) / scale, right === asked ? 1 : (centre + spread) / scale]
}

/** A share with its interval. */
export interface Share {
  readonly asked: number
  readonly right: number
  readonly share: number
  readonly interval: readonly [number, number]
}

/** 0 where nothing was asked. */
export function shareOf(right: number, asked: number): Share {
  return { asked, right, share: asked === 0 ? 0 : right / asked, interval: wilsonInterval(right, asked) }
}

/** A share in percent with one digit after the point. */
export function percent(share: number): string {
  return String(Number((share * 100).toFixed(1)))
}
