/** Draws that several tasks need. */
import type { Random } from '../../random.ts'

/** `count` different integers of [low, high), in random order. */
export function distinct(random: Random, low: number, high: number, count: number): number[] {
  // Fisher and Yates on a list that holds only what was moved
  const moved = new Map<number, number>()
  return Array.from({ length: count }, (_, i) => {
    const from = low + i
    const pick = from + random.int(high - from)
    const value = moved.get(pick) ?? pick
    moved.set(pick, moved.get(from) ?? from)
    return value
  })
}

/**
 * `count` different indices of `weights`, drawn one after another with a chance in proportion to their weight
 * (as a race of exponential clocks: Efraimidis and Spirakis, "Weighted random sampling with a reservoir", 2006).
 */
export function weighted(random: Random, weights: readonly number[], count: number): number[] {
  const times = weights.map((weight, index) => ({ index, time: -Math.log(1 - random.uniform()) / weight }))
  return times
    .toSorted((a, b) => a.time - b.time)
    .slice(0, count)
    .map(({ index }) => index)
}

/** `count` integers of [low, high), repeats allowed. */
export function integers(random: Random, low: number, high: number, count: number): number[] {
  return Array.from({ length: count }, () => low + random.int(high - low))
}
