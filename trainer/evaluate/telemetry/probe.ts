/** A linear probe: whether a label can be decoded from a vector better than by chance. */
import type { Random } from '../../random.ts'
import { type Share, shareOf } from '../interval.ts'
import { mean } from './statistics.ts'

export interface ProbeResult {
  /** On the fifth of the episodes that was not fitted. */
  readonly decoded: Share
  /** What the commonest fitted label gets right there. */
  readonly majority: number
  /** What the same probe gets right when labels are shuffled, the mean of several times. */
  readonly control: number
}

/** Numbers of a vector that a probe reads; longer ones are projected. */
export const FEATURES = 2048
const SHUFFLES = 10
/** The ridge, as a share of the mean square length of a vector. */
const RIDGE = 0.1

/** Ridge regression in closed form (by examples, not features) to the label's indicator, on 80 % of the examples. */
export function probe(features: readonly Float32Array[], labels: readonly number[], random: Random): ProbeResult {
  const order = random.shuffle(features.map((_, i) => i))
  const cut = Math.floor(0.8 * order.length)
  const [fitted, tested] = [order.slice(0, cut), order.slice(cut)]
  const x = standardised(features, fitted)
  const products = (of: readonly number[]) => of.map((i) => fitted.map((j) => dot(x[i]!, x[j]!)))
  const kernel = products(fitted)
  const ridge = RIDGE * mean(kernel.map((row, i) => row[i]!)) + 1e-12
  const factor = cholesky(kernel.map((row, i) => row.map((v, j) => (i === j ? v + ridge : v))))
  const across = products(tested)
  const right = (of: readonly number[]): number => {
    const said = predict(
      factor,
      across,
      fitted.map((i) => of[i]!),
    )
    return tested.filter((i, at) => said[at] === of[i]).length
  }
  const shuffled = Array.from({ length: SHUFFLES }, () => right(random.shuffle([...labels])) / tested.length)
  const common = commonest(fitted.map((i) => labels[i]!))
  return {
    decoded: shareOf(right(labels), tested.length),
    majority: tested.filter((i) => labels[i] === common).length / tested.length,
    control: mean(shuffled),
  }
}

/**
 * At most FEATURES numbers for a vector: each number is added with a fixed random sign to a fixed random place (Charikar,
 * Chen and Farach-Colton 2002), which keeps inner products on average.
 */
export function projected(vector: Float32Array): Float32Array {
  if (vector.length <= FEATURES) return vector.slice()
  const out = new Float32Array(FEATURES)
  for (const [i, value] of vector.entries()) {
    const mixed = Math.imul(i ^ (i >>> 15), 0x9e3779b1)
    const hash = Math.imul(mixed ^ (mixed >>> 13), 0x85ebca6b)
    out[(hash >>> 8) % FEATURES]! += hash & 1 ? value : -value
  }
  return out
}

/** Every feature with mean 0 and deviation 1 over the fitted examples; one that is constant there is 0. */
function standardised(features: readonly Float32Array[], fitted: readonly number[]): Float32Array[] {
  const size = features[0]!.length
  const [centre, scale] = [new Float64Array(size), new Float64Array(size)]
  for (const i of fitted) for (let f = 0; f < size; f++) centre[f]! += features[i]![f]! / fitted.length
  for (const i of fitted)
    for (let f = 0; f < size; f++) scale[f]! += (features[i]![f]! - centre[f]!) ** 2 / fitted.length
  return features.map((x) =>
    x.map((value, f) => (scale[f]! < 1e-14 ? 0 : (value - centre[f]!) / Math.sqrt(scale[f]! * size))),
  )
}

/** The label whose indicator is predicted highest. */
function predict(factor: readonly Float64Array[], across: readonly number[][], labels: readonly number[]): number[] {
  const classes = [...new Set(labels)].toSorted((a, b) => a - b)
  const fits = classes.map((label) => {
    const share = labels.filter((l) => l === label).length / labels.length
    return {
      label,
      share,
      weights: solve(
        factor,
        labels.map((l) => Number(l === label) - share),
      ),
    }
  })
  return across.map((row) => {
    const scores = fits.map(({ share, weights }) => share + dot(row, weights))
    return fits[scores.indexOf(Math.max(...scores))]!.label
  })
}

/** L with L L' = a, by rows. */
function cholesky(a: readonly number[][]): Float64Array[] {
  const rows: Float64Array[] = []
  for (const [i, given] of a.entries()) {
    const row = new Float64Array(a.length)
    for (let j = 0; j <= i; j++) {
      let sum = given[j]!
      const other = j === i ? row : rows[j]!
      for (let k = 0; k < j; k++) sum -= row[k]! * other[k]!
      row[j] = j === i ? Math.sqrt(sum) : sum / other[j]!
    }
    rows.push(row)
  }
  return rows
}

/** x with L L' x = b. */
function solve(rows: readonly Float64Array[], b: readonly number[]): Float64Array {
  const x = Float64Array.from(b)
  for (const [i, row] of rows.entries()) {
    for (let k = 0; k < i; k++) x[i]! -= row[k]! * x[k]!
    x[i]! /= row[i]!
  }
  for (let i = rows.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < rows.length; k++) x[i]! -= rows[k]![i]! * x[k]!
    x[i]! /= rows[i]![i]!
  }
  return x
}

function commonest(labels: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]![0]
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
