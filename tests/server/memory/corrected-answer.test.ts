/** What is said to a reply that has quoted a memory: a correction of that one, and of no other. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { quotedMemory } from '../../../server/memory/corrected-answer.ts'
import type { Beside } from '../../../server/memory/follow-ups.ts'
import type { ReadPairs } from '../../../server/memory/reader.ts'
import { memoriesOfTurn } from '../../../server/memory/told.ts'
import { startStore } from '../../../server/store/start.ts'

const OWNER = 'tenant-a'
const USE = { namespace: 'default', user: null, read: true, write: true, pin: false }
const PHYSIO = 'my physio is at 3 on monday with Greta'
const KEY = 'the spare key is with mrs patel at number 9'

const folder = mkdtempSync(join(tmpdir(), 'mneme-corrected-answer-'))
const options = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0, consolidation: false }
const store = startStore({ folder, ...options })
let owners = 0
let owner = OWNER
beforeEach(async () => {
  owner = `${OWNER}-${owners++}`
  for (const message of [PHYSIO, KEY]) await say(message)
})
afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

/** Returns what does not hold any more. */
async function say(message: string, beside?: Beside): Promise<string[]> {
  const origin = { response: `turn-${message}`, conversation: `conversation-${message}` }
  const { told, ended } = await memoriesOfTurn({ store, now: Date.now }, owner, USE, message, origin, beside)
  await store.tellMemories(owner, told)
  return ended.map(({ text }) => text)
}

/** After a reply that has quoted `text`; a reader gives these odds that what is said takes its place. */
async function after(text: string, message: string, replaces: number | null): Promise<string[]> {
  const quoted = await quotedMemory(store, owner, USE, text)
  const read: ReadPairs = async () => () => (replaces === null ? null : { answers: 0, replaces })
  return say(message, { quoted, read })
}

test('a few words correct what was quoted, though something else was told last', async () => {
  expect(await after(PHYSIO, "it's 3:30", 2)).toEqual([PHYSIO])
})

test('the rules correct it without a reader too', async () => {
  expect(await after(PHYSIO, "it's 3:30", null)).toEqual([PHYSIO])
})

test('a value with its noun corrects it as well', async () => {
  expect(await after(KEY, 'no, number 11', 0)).toEqual([KEY])
})

test('what no rule reads as a correction is one where a reader is sure', async () => {
  expect(await after(KEY, 'she gave it back to me', 3)).toEqual([KEY])
  expect(await after(PHYSIO, 'great, see you then', 0.5)).toEqual([])
})

test('what corrects nothing of the quoted one corrects nothing that was told last without a word of it', async () => {
  expect(await after(PHYSIO, "it's 11", -4)).toEqual([])
})

test('a fact of its own is told and not put in the place of what was quoted', async () => {
  expect(await after(PHYSIO, 'My dentist is Dr Patel.', 3)).toEqual([])
})

test('the memory is found by the part of it that was quoted, and none by what nobody told', async () => {
  expect((await quotedMemory(store, owner, USE, 'the spare key is with mrs patel'))?.text).toBe(KEY)
  expect(await quotedMemory(store, owner, USE, 'the bins go out on friday')).toBe(null)
})

test('a correction is corrected in the same way', async () => {
  await after(PHYSIO, "it's 3:30", 2)
  expect(await after("it's 3:30", "no, it's 4:45", null)).toEqual(["it's 3:30"])
})

test('what the rules take for a correction and the reader surely does not corrects nothing', async () => {
  const message = 'moving flat on the 3rd, new place is 8b'
  const read =
    (replaces: number): ReadPairs =>
    async () =>
    () => ({ answers: 0, replaces })
  await say('my sister is getting married on the 14th of march in goa')
  expect(await say(message, { quoted: null, read: read(-4) })).toEqual([])
  await say('my sister is getting married on the 15th of march in goa')
  expect(await say(`${message} really`, { quoted: null, read: read(0) })).not.toEqual([])
})
