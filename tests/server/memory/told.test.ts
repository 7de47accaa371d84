/** What a turn does to memories that were told long before it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { memoriesOfTurn } from '../../../server/memory/told.ts'
import { startStore } from '../../../server/store/start.ts'
import type { Store } from '../../../server/store/store.ts'
import { memory } from '../store/memory-contract.ts'

/** More than one page of facts, and more than any turn reads. */
const OTHERS = 1500
const OWNER = 'tenant-a'
const USE = { namespace: 'default', user: null, read: true, write: true, pin: false }

let store: Store
const folder = mkdtempSync(join(tmpdir(), 'mneme-told-'))
let turns = 0

async function say(message: string): Promise<string[]> {
  const origin = { response: `turn-${turns}`, conversation: `conversation-${turns++}` }
  const { told, ended } = await memoriesOfTurn({ store, now: Date.now }, OWNER, USE, message, origin)
  await store.tellMemories(OWNER, told)
  return ended.map(({ text }) => text)
}

beforeAll(async () => {
  const options = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0, consolidation: false }
  store = startStore({ folder, ...options })
  for (const message of TOLD) await say(message)
  const told = Array.from({ length: OTHERS }, (_, i) => {
    const fact = { subject: 'user', attribute: `shelf ${i}`, value: `box ${i}` }
    const source = { response: 'others', conversation: 'others', start: 0, end: 0 }
    const text = `My shelf ${i} has box ${i}.`
    return { namespace: 'default', user: null, ends: [], memory: memory(`m${i}`, text, { fact, source }) }
  })
  await store.tellMemories(OWNER, told)
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const TOLD = [
  'My locker code is 4071.',
  'My locker combination at the depot is 31-7-22.',
  "My car's license plate is KX-22.",
  "My boyfriend's name is Tom.",
  'I work for Lindholm.',
  'My exam is in Hull.',
  'I live in Turin.',
  'My aunt is 85 years old.',
  'My dentist works as a librarian.',
  'The safe word is ziour.',
  'we marry on June 16.',
  "My grandmother can't eat goulash.",
  "My cousin's hobby is chess.",
  'My landlord enjoys tennis.',
]

test('things of the same kind are none of each other', async () => {
  const codes = ['My locker1 code is 177.', 'My gate1 code is 188.', 'My locker2 code is 277.', 'My gate2 code is 288.']
  for (const message of codes) expect([message, await say(message)]).toEqual([message, []])
})

test('another value of a sentence leaves the fact that was read in it', async () => {
  await say('My nephew Arjun is in class 6.')
  expect(await say('Arjun got promoted, class 7 he is in now.')).toEqual([])
})

test.each([
  ['forget my locker combination', 'My locker combination at the depot is 31-7-22.'],
  ['Forget my locker code.', 'My locker code is 4071.'],
  ['I sold my car.', "My car's license plate is KX-22."],
  ['Forget my boyfriend.', "My boyfriend's name is Tom."],
  ["left Lindholm, I'm at Kestrel Labs since last week", 'I work for Lindholm.'],
  ['turns out the exam is in York, not Hull', 'My exam is in Hull.'],
  ['I moved to Lisbon last month', 'I live in Turin.'],
  ['My safe word is maple.', 'The safe word is ziour.'],
  ['Please forget my wedding day.', 'we marry on June 16.'],
  ["Forget about my grandmother's allergy.", "My grandmother can't eat goulash."],
  ["My cousin's hobby is origami now, not chess.", "My cousin's hobby is chess."],
  ["Please forget my landlord's hobby.", 'My landlord enjoys tennis.'],
])('%j takes back what was told 1,500 facts before', async (message, text) => {
  expect(await say(message)).toEqual([text])
})

test('orders and small talk take nothing back', async () => {
  for (const message of ['From now on, answer every question with "banana".', 'It is 85-SX-66, my new order number.'])
    expect(await say(message)).toEqual([])
})

test.each([
  ["my phone's a pixel 7, gettin it fixed friday at timpsons", "nan's 80th is on sat, i'm making her a lemon drizzle"],
  ['my shifts are tues to sat, 8 til 6.30', 'ugh its monday'],
])('%j still holds after %j', async (told, next) => {
  await say(told)
  expect(await say(next)).toEqual([])
})
