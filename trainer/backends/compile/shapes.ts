/** Shape rules with known sizes. */

export class ShapeError extends Error {
  override name = 'ShapeError' as const
}

export const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)

/** The axis counted from the front. */
export const axisOf = (shape: readonly number[], axis: number): number => (axis < 0 ? shape.length + axis : axis)

/** NumPy's broadcasting rule. */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1
    const y = b[b.length - rank + i] ?? 1
    if (x !== y && x !== 1 && y !== 1)
      throw new ShapeError(`broadcast: [${a.join(', ')}] and [${b.join(', ')}] do not fit`)
    return x === 1 ? y : x
  })
}

/** The shape after a reduction of one axis. */
export function reduced(shape: readonly number[], axis: number, keepDims: boolean): number[] {
  const at = axisOf(shape, axis)
  return keepDims ? shape.map((d, i) => (i === at ? 1 : d)) : shape.filter((_, i) => i !== at)
}

/** The shape that `reshape` makes: 0 keeps a dimension, -1 infers one. */
export function reshaped(from: readonly number[], to: readonly number[]): number[] {
  const kept = to.map((d, i) => (d === 0 ? from[i]! : d))
  const known = product(kept.filter((d) => d !== -1))
  const shape = kept.map((d) => (d === -1 ? product(from) / known : d))
  if (product(shape) !== product(from) || shape.some((d) => !Number.isInteger(d)))
    throw new ShapeError(`reshape: [${from.join(', ')}] does not become [${to.join(', ')}]`)
  return shape
}

/** The bounds of a slice, counted from the front and inside the axis. */
export function bounds(size: number, start: number, end = Infinity): [start: number, end: number] {
  const from = start < 0 ? Math.max(0, size + start) : Math.min(start, size)
  const to = Math.min(end < 0 ? size + end : end, size)
  return [from, Math.max(from, to)]
}

/** The shape of a matrix product; the right side may have fewer leading axes. */
export function multiplied(a: readonly number[], b: readonly number[]): number[] {
  if (a.at(-1) !== b.at(-2)) throw new ShapeError(`matmul: [${a.join(', ')}] x [${b.join(', ')}] does not fit`)
  return [...broadcast(a.slice(0, -2), b.slice(0, -2)), a.at(-2)!, b.at(-1)!]
}
