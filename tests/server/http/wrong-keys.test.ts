import { expect, test } from 'vitest'
import { createWrongKeys } from '../../../server/http/wrong-keys.ts'

/** A clock that stands still unless it is moved, and the waits that were asked for. */
function clock() {
  const state = { now: 1_000_000, waits: [] as number[] }
  const keys = createWrongKeys(
    () => state.now,
    async (ms) => void state.waits.push(ms),
  )
  return { state, keys }
}

test('the first wrong keys of an address are answered at once, then one after the other, then none', async () => {
  const { state, keys } = clock()
  for (let i = 0; i < 5; i++) await keys.delay('a')
  expect(state.waits).toEqual([])
  for (let i = 0; i < 32; i++) await keys.delay('a')
  expect(state.waits).toEqual(Array.from({ length: 32 }, (_, i) => (i + 1) * 500))
  await expect(keys.delay('a')).rejects.toMatchObject({ status: 429, code: 'too_many_wrong_keys', retryAfter: 17 })
})

test('other addresses do not wait, and patience is forgiven', async () => {
  const { state, keys } = clock()
  for (let i = 0; i < 20; i++) await keys.delay('a')
  state.waits.length = 0
  await keys.delay('b')
  expect(state.waits).toEqual([])
  state.now += 60_000
  await keys.delay('a')
  expect(state.waits).toEqual([])
})

test('a flood from ten thousand addresses is remembered within bounds', async () => {
  const { state, keys } = clock()
  for (let i = 0; i < 20; i++) await keys.delay('first')
  for (let i = 0; i < 10_001; i++) await keys.delay(`${i}`)
  state.waits.length = 0
  await keys.delay('first')
  expect(state.waits).toEqual([])
})
