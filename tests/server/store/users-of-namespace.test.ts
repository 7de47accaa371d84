import { expect, onTestFinished, test } from 'vitest'
import { startStore } from '../../../server/store/start.ts'
import { plainMemory, vectorSource } from '../../support/many-memories.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const OWNER = 'tenant'
const WORDS = 'kettle kettles harbour lantern lanterns window walk walked walking walks'.split(' ')

test('a user who has few of a large namespace finds by the same scores as where all of it is read', async () => {
  const settings = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 }
  const store = startStore({ folder: temporaryFolder(), ...settings })
  onTestFinished(() => store.close())
  await store.ready
  const next = vectorSource(24, 1)
  const textOf = (at: number): string =>
    `${at} ${WORDS.filter((_, word) => (at * 7 + word * 5) % 3 === 0).join(' ')} ${'and so on '.repeat(at % 4)}`
  for (let at = 0; at < 120; at++)
    await store.addMemory(OWNER, { ...plainMemory(`m${at}`, textOf(at)), user: at % 20 === 0 ? 'few' : 'many' }, next())
  const asked = { namespace: 'default', metadata: {}, topics: [], ended: false, limit: 50 }
  for (const text of ['kettle lantern', 'walk by the harbour', '40 windows'])
    for (const made of [null, next()]) {
      const find = (users: readonly string[]) =>
        store.searchMemories(OWNER, { ...asked, user: users[0]!, users, text, made })
      const found = await find(['few'])
      // Of two users all is read, and what is theirs taken from it.
      expect(found).toEqual(await find(['few', 'nobody']))
      expect(found.length).toBeGreaterThan(0)
      expect(found.every(({ memory }) => memory.user === 'few')).toBe(true)
    }
})
