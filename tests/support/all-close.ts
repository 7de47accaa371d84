/** Comparison of number lists that says where they differ. */
import { expect } from 'vitest'

/** Fails with index, expected and got, if any |a - b| > absolute + relative * |b|. */
export function expectClose(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 1e-6, relative = 1e-5, what = 'value' }: { absolute?: number; relative?: number; what?: string } = {},
): void {
  expect(got.length, `${what}: length`).toBe(expected.length)
  for (let i = 0; i < got.length; i++) {
    const [a, b] = [got[i]!, expected[i]!]
    if (!(Math.abs(a - b) <= absolute + relative * Math.abs(b)))
      expect.fail(`${what}[${i}]: expected ${b}, got ${a} (difference ${Math.abs(a - b).toExponential(2)})`)
  }
}

/** Fails unless both lists have the same bits, NaN and signed zeros included. */
export function expectSameBits(got: Float32Array, expected: Float32Array, what = 'value'): void {
  expect(got.length, `${what}: length`).toBe(expected.length)
  const [a, b] = [new Uint32Array(got.slice().buffer), new Uint32Array(expected.slice().buffer)]
  for (let i = 0; i < a.length; i++)
    if (a[i] !== b[i]) expect.fail(`${what}[${i}]: expected ${expected[i]}, got ${got[i]}: bits differ`)
}
