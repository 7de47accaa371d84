/** Where values are on an axis, and which of them are written at it. */

export type ScaleKind = 'linear' | 'log'

export interface Scale {
  readonly ticks: readonly number[]
  /** 0 at the lowest value of the axis, 1 at the highest. */
  readonly at: (value: number) => number
}

export interface ScaleOptions {
  readonly kind?: ScaleKind
  /** From where to where; without, as far as the values reach. */
  readonly domain?: readonly [low: number, high: number]
}

/** So many values are all written at a logarithmic axis. */
const mostValues = 9

/** Values nearer to each other than this share of themselves are drawn as one: a double has no digits for their ticks. */
const leastSpan = 1e-6

/**
 * An axis over `values` with about `wanted` ticks. A logarithmic one is marked at the values themselves where they are
 * few, as the lengths that were measured, and else at powers of ten.
 */
export function createScale({ kind, domain }: ScaleOptions, values: readonly number[], wanted: number): Scale {
  const [low, high] = domain ?? [Math.min(...values), Math.max(...values)]
  if (kind === 'log') return logScale(low, high, values)
  const span = high - low > leastSpan * Math.abs(high) ? high - low : Math.abs(high) || 1
  const step = niceStep(span / Math.max(1, wanted))
  const [from, to] = domain ?? [Math.floor(low / step) * step, Math.ceil(high / step) * step]
  return linearScale(from, to > from ? to : from + step, step)
}

function linearScale(from: number, to: number, step: number): Scale {
  const first = Math.ceil(from / step - 1e-9)
  const count = Math.floor(to / step + 1e-9) - first + 1
  const ticks = Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(12)))
  return { ticks, at: (value) => (value - from) / (to - from) }
}

function logScale(low: number, high: number, values: readonly number[]): Scale {
  const [from, to] = low === high ? [low / 2, high * 2] : [low, high]
  const distinct = [...new Set(values)].toSorted((a, b) => a - b)
  const ticks = distinct.length <= mostValues ? distinct : decades(from, to)
  return { ticks, at: (value) => Math.log(value / from) / Math.log(to / from) }
}

/** 1, 2 and 5 times powers of ten, or the powers alone where those are many. */
function decades(from: number, to: number): number[] {
  const found = [1, 2, 5].flatMap((factor) => {
    const first = Math.ceil(Math.log10(from / factor) - 1e-9)
    const count = Math.floor(Math.log10(to / factor) + 1e-9) - first + 1
    return Array.from({ length: Math.max(0, count) }, (_, i) => Number((factor * 10 ** (first + i)).toPrecision(12)))
  })
  const few =
    found.length > mostValues
      ? found.filter((value) => Number.isInteger(Math.round(Math.log10(value) * 1e9) / 1e9))
      : found
  return few.length > 0 ? few.toSorted((a, b) => a - b) : [from, to]
}

/** 1, 2 or 5 times a power of ten, at least `wanted`. */
function niceStep(wanted: number): number {
  const power = 10 ** Math.floor(Math.log10(wanted))
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= wanted) ?? 10)
}

/** Heights of labels so that each has `gap` pixels, as near as can be to where they belong, between top and bottom. */
export function spreadLabels(wanted: readonly number[], gap: number, top: number, bottom: number): number[] {
  const order = wanted.map((_, i) => i).toSorted((a, b) => wanted[a]! - wanted[b]!)
  const placed = wanted.slice()
  let above = top - gap
  for (const i of order) above = placed[i] = Math.max(wanted[i]!, above + gap)
  let below = bottom + gap
  for (const i of order.toReversed()) below = placed[i] = Math.min(placed[i]!, below - gap)
  return placed
}
