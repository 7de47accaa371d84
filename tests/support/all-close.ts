/** Comparison of number lists that says where they differ. */
import { expect } from 'vitest'
import type { TypedArray } from '../../runtime/tensor.ts'

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
export function expectSameBits(got: TypedArray, expected: TypedArray, what = 'value'): void {
  expect(got.length, `${what}: length`).toBe(expected.length)
  const [a, b] = [bytes(got), bytes(expected)]
  const size = expected.BYTES_PER_ELEMENT
  for (let i = 0; i < a.length; i++) {
    const at = Math.floor(i / size)
    if (a[i] !== b[i]) expect.fail(`${what}[${at}]: expected ${expected[at]}, got ${got[at]}: bits differ`)
  }
}

const bytes = (list: TypedArray): Uint8Array => new Uint8Array(list.buffer, list.byteOffset, list.byteLength)
