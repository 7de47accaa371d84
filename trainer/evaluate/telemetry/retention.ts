/** How long a write stays: the difference to the same history without it, while the same small talk follows both. */
import type { Episode } from './episodes.ts'
import type { Observer } from './observer.ts'
import { chunks, cosine, halfLife, mean, median, type Point, remainder } from './statistics.ts'

/** A slot is a row of the tensor. Points count tokens from where a difference was first seen. */
export interface Retention {
  /** Of the whole tensor: how much of the difference is left along its own direction. */
  readonly curve: readonly Point[]
  /** Median over slots of the tokens until half of it is left; null where at least half of the slots keep more. */
  readonly halfLife: number | null
  /** The same by the cosine to the first difference, which does not see a difference that only shrinks. */
  readonly cosineHalfLife: number | null
  /** Share of slots that never came to a half. */
  readonly censored: number
  /** Slots that were written. */
  readonly slots: number
}

/** How often the difference is measured. */
const PLACES = 32

/** Differences by measurement, then by pair. */
type Differences = Float32Array[][]

/** The retention of every memory by its path, the mean over the pairs. */
export function retention(
  observer: Observer,
  pairs: readonly Episode[],
  fillers: readonly (readonly number[])[],
): Map<string, Retention> {
  const length = fillers[0]!.length
  const every = Math.max(1, Math.floor(length / PLACES))
  const found = new Map(observer.memories.map(({ path }) => [path, [] as Differences]))
  observer.start(2 * pairs.length)
  observer.readAll([...pairs.map(({ told }) => told), ...pairs.map(({ untold }) => untold)])
  for (let at = 0; at <= length; at += every) {
    if (at > 0) observer.readAll([...fillers, ...fillers].map((ids) => ids.slice(at - every, at)))
    for (const { path } of observer.memories) found.get(path)!.push(differences(observer.state(path), pairs.length))
  }
  return new Map(
    observer.memories.map(({ path, shape }) => [path, retentionOf(found.get(path)!, every, shape.at(-1)!)]),
  )
}

/** Half-lives of differences that were measured every so many tokens; slots have `width` numbers. */
export function retentionOf(measured: Differences, every: number, width: number): Retention {
  // A chunked memory has no difference until it writes
  const from = measured.findIndex((pairs) => pairs.some((d) => d.some((x) => x !== 0)))
  const places = from === -1 ? [] : measured.slice(from)
  const whole = curveOf(places, every, remainder)
  const slots = (places[0]?.[0]?.length ?? 0) / width
  const bySlot = Array.from({ length: slots }, (_, j) =>
    places.map((pairs) => pairs.map((d) => d.subarray(j * width, (j + 1) * width))),
  )
  const lives = (measure: typeof remainder): number[] =>
    bySlot
      .map((slot) => curveOf(slot, every, measure))
      .filter((curve) => curve.length > 0)
      .map((curve) => halfLife(curve) ?? Infinity)
  const [left, turned] = [lives(remainder), lives(cosine)]
  return {
    curve: whole,
    halfLife: finite(median(left)),
    cosineHalfLife: finite(median(turned)),
    censored: left.length === 0 ? 0 : left.filter((x) => x === Infinity).length / left.length,
    slots: left.length,
  }
}

/** The mean over the pairs in which there is a first difference; one that has become zero is 0. */
function curveOf(places: Differences, every: number, measure: typeof remainder): Point[] {
  const first = places[0] ?? []
  const written = first.flatMap((d, pair) => (d.some((x) => x !== 0) ? [pair] : []))
  if (written.length === 0) return []
  return places.map((pairs, i) => ({
    at: i * every,
    value: mean(written.map((pair) => measure(pairs[pair]!, first[pair]!) ?? 0)),
  }))
}

function differences(values: Float32Array, pairs: number): Float32Array[] {
  const rows = chunks(values, values.length / (2 * pairs))
  return Array.from({ length: pairs }, (_, i) => rows[i]!.map((x, k) => x - rows[pairs + i]![k]!))
}

const finite = (x: number | undefined): number | null => (x === undefined || x === Infinity ? null : x)
