import { describe, expect, test } from 'vitest'
import { StateBank } from '../../../server/engine/state-bank.ts'

const entry = (name: string, inPlace: boolean, ...shape: number[]) => ({
  name,
  input: `state.${name}`,
  output: `next.${name}`,
  dtype: 'float32' as const,
  shape: ['batch', ...shape] as ['batch', ...number[]],
  inPlace,
})

/** What a run would do: writes `value` into every output of the first `rows` rows. */
function run(bank: StateBank, rows: number, value: number): void {
  for (const tensor of Object.values(bank.bind(rows).outputs)) tensor.data.fill(value as never)
  bank.swap()
}

describe('the memory of states', () => {
  test('is one set where every kernel updates in place, two that take turns where one does not', () => {
    const inPlace = new StateBank([entry('a', true, 2), entry('b', true, 3)], 2)
    const turns = new StateBank([entry('a', true, 2), entry('b', false, 3)], 2)
    const shared = (bank: StateBank): boolean[] => {
      const { inputs, outputs } = bank.bind(2)
      return ['a', 'b'].map((name) => inputs[`state.${name}`]?.data.buffer === outputs[`next.${name}`]?.data.buffer)
    }
    expect(shared(inPlace)).toEqual([true, true])
    expect(shared(turns)).toEqual([false, false])
  })

  test.each([true, false])('rows can be saved, loaded and moved after any number of runs (in place: %s)', (inPlace) => {
    const bank = new StateBank([entry('a', inPlace, 2), entry('b', inPlace, 3)], 3)
    expect(bank.rowBytes).toBe(20)
    for (const value of [1, 2, 3]) {
      run(bank, 3, value)
      expect(new Float32Array(bank.save(1).buffer)).toEqual(new Float32Array(5).fill(value))
      const other = Float32Array.of(9, 8, 7, 6, value)
      bank.load(1, new Uint8Array(other.buffer))
      expect(new Float32Array(bank.save(1).buffer)).toEqual(other)
      expect(bank.bind(3).inputs['state.b']?.data).toEqual(
        Float32Array.of(value, value, value, 7, 6, value, value, value, value),
      )
      bank.load(0, null)
      expect(bank.save(0).every((byte) => byte === 0)).toBe(true)
    }
  })
})
