import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StateEntry } from '../../../runtime/bundle.ts'
import { bytesPerElement, type Tensor } from '../../../runtime/tensor.ts'
import { PAGE_POSITIONS, withEarlierPages, type SessionState } from '../../../server/checkpoint.ts'
import { StateBank } from '../../../server/engine/state-bank.ts'

const entry = (name: string, inPlace: boolean, ...shape: (number | 'time')[]): StateEntry => ({
  name,
  kind: shape.includes('time') ? 'append' : 'fixed',
  input: `state.${name}`,
  output: `next.${name}`,
  dtype: 'float32',
  shape: ['batch', ...shape],
  inPlace,
})

/** What a run would do: writes `value` into every output of the first `rows` rows. */
function run(bank: StateBank, rows: number, value: number): void {
  for (const tensor of Object.values(bank.bind(rows).outputs)) tensor.data.fill(value as never)
  bank.swap()
}

const floats = (bytes: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer)
const fixed = (...numbers: number[]): SessionState => {
  return { fixed: new Uint8Array(Float32Array.from(numbers).buffer), pages: [], firstPage: 0 }
}

describe('the memory of states', () => {
  test('is one set where every kernel updates in place, two that take turns where one does not', () => {
    const inPlace = new StateBank([entry('a', true, 2), entry('b', true, 3)], 2)
    const turns = new StateBank([entry('a', true, 2), entry('b', false, 3), entry('c', true, 2, 'time', 3)], 2, 8)
    const shared = (bank: StateBank, names: string[]): boolean[] => {
      const { inputs, outputs } = bank.bind(2)
      return names.map((name) => inputs[`state.${name}`]?.data.buffer === outputs[`next.${name}`]?.data.buffer)
    }
    expect(shared(inPlace, ['a', 'b'])).toEqual([true, true])
    // Append state is never written twice at the same position, so both sets have the same.
    expect(shared(turns, ['a', 'b', 'c'])).toEqual([false, false, true])
  })

  test.each([true, false])('rows can be saved, loaded and moved after any number of runs (in place: %s)', (inPlace) => {
    const bank = new StateBank([entry('a', inPlace, 2), entry('b', inPlace, 3)], 3)
    expect(bank.rowBytes).toBe(20)
    for (const value of [1, 2, 3]) {
      run(bank, 3, value)
      expect(floats(bank.save(1, 9, 0).fixed)).toEqual(new Float32Array(5).fill(value))
      bank.load(1, fixed(9, 8, 7, 6, value))
      expect(bank.save(1, 9, 0)).toEqual(fixed(9, 8, 7, 6, value))
      expect(bank.bind(3).inputs['state.b']?.data).toEqual(
        Float32Array.of(value, value, value, 7, 6, value, value, value, value),
      )
      bank.copyRow(2, bank, 1, 9)
      expect(bank.save(2, 9, 0)).toEqual(fixed(9, 8, 7, 6, value))
      bank.load(0, null)
      expect(bank.save(0, 9, 0).fixed.every((byte) => byte === 0)).toBe(true)
    }
  })

  test('pages hold exactly what was fed, whatever the capacity, and join with earlier ones', () => {
    const entries = [entry('k', true, 2, 'time', 3), entry('sum', false, 2), entry('v', true, 'time', 2)]
    /** Writes positions from..to of row `row`, each number saying where it is. */
    const feed = (bank: StateBank, row: number, from: number, to: number): void => {
      const { inputs } = bank.bind(2)
      const [k, v] = [inputs['state.k'], inputs['state.v']] as [Tensor<'float32'>, Tensor<'float32'>]
      for (let at = from; at < to; at++) {
        for (let head = 0; head < 2; head++)
          for (let i = 0; i < 3; i++) k.data[((row * 2 + head) * bank.capacity + at) * 3 + i] = 1000 * head + at + i / 8
        for (let i = 0; i < 2; i++) v.data[(row * bank.capacity + at) * 2 + i] = -at - i / 8
      }
    }
    fc.assert(
      fc.property(fc.nat(300), fc.nat(300), fc.integer({ min: 0, max: 1 }), (first, more, row) => {
        const small = new StateBank(entries, 2, 512)
        feed(small, row, 0, first)
        const before = small.save(row, first, 0)
        expect(before.pages).toHaveLength(Math.ceil(first / PAGE_POSITIONS))
        const large = new StateBank(entries, 2, 1024)
        large.load(1 - row, before)
        feed(large, 1 - row, first, first + more)
        const added = large.save(1 - row, first + more, Math.floor(first / PAGE_POSITIONS))
        const whole = new StateBank(entries, 2, 700)
        feed(whole, row, 0, first + more)
        expect(withEarlierPages(added, before)).toEqual(whole.save(row, first + more, 0))
      }),
      { numRuns: 60 },
    )
  })

  test('pages hold the bytes of keys and values of any type, entry after entry, and give them back', () => {
    const cache = fc.record({
      dtype: fc.constantFrom('float32', 'float16', 'int8'),
      heads: fc.integer({ min: 1, max: 3 }),
      channels: fc.integer({ min: 1, max: 5 }),
    })
    fc.assert(
      fc.property(fc.array(cache, { minLength: 1, maxLength: 4 }), fc.nat(200), fc.nat(250), (caches, fed, seed) => {
        const entries = caches.map(({ dtype, heads, channels }, at) => ({
          ...entry(`c${at}`, true, heads, 'time', channels),
          dtype,
        }))
        const [from, to] = [new StateBank(entries, 2, 256), new StateBank(entries, 2, 512)]
        for (const { data } of Object.values(from.bind(2).inputs)) {
          const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
          for (const at of bytes.keys()) bytes[at] = (at * 31 + seed) % 251
        }
        const saved = from.save(1, fed, 0)
        const perPosition = caches.reduce(
          (sum, { dtype, heads, channels }) => sum + heads * channels * bytesPerElement(dtype),
          0,
        )
        expect(saved.pages.reduce((sum, page) => sum + page.length, 0)).toBe(fed * perPosition)
        to.load(0, saved)
        to.copyRow(1, to, 0, fed)
        expect(to.save(1, fed, 0)).toEqual(saved)
        // The first page begins with the first head of the first entry.
        if (fed === 0) return
        const { data, dims } = from.bind(2).inputs['state.c0'] as Tensor
        const bytes = new Uint8Array(data.buffer, data.byteOffset + data.byteLength / 2)
        const line = Math.min(fed, PAGE_POSITIONS) * (dims[3] as number) * bytesPerElement(caches[0]!.dtype)
        expect(Buffer.compare(bytes.subarray(0, line), saved.pages[0]!.subarray(0, line))).toBe(0)
      }),
      { numRuns: 60 },
    )
  })
})
