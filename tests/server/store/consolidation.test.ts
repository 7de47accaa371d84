/** Memories that say the same, in a data folder. */
import * as fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { StoreOptions } from '../../../server/store/messages.ts'
import { startStore } from '../../../server/store/start.ts'
import type { Store } from '../../../server/store/store.ts'
import { removeMemories } from '../../support/erasing.ts'
import { disagreements } from '../../support/folder-check.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { OWNER } from '../../support/turns.ts'
import { memory } from './memory-contract.ts'

const start = (folder: string, changes: Partial<StoreOptions> = {}): Store =>
  startStore({ folder, keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0, ...changes })
const open = (changes: Partial<StoreOptions> = {}): Store => {
  const store = start(temporaryFolder(), changes)
  onTestFinished(() => store.close())
  return store
}
const taken = (id: string, text: string, user: string | null = null) =>
  memory(id, text, { user, source: { response: `of-${id}`, conversation: `of-${id}`, start: 0, end: text.length } })
const tell = async (store: Store, id: string, text: string, ends: string[] = [], user: string | null = null) =>
  store.tellMemories(OWNER, [{ namespace: 'default', user, ends, memory: taken(id, text, user) }])
/** Until nothing is left to be compared. */
const settle = async (store: Store): Promise<void> => {
  while (await store.consolidateMemories());
}
const search = async (store: Store, text: string, more: object = {}): Promise<string[]> => {
  const place = { namespace: 'default', user: null, topics: [], ended: false, metadata: {}, made: null, limit: 100 }
  return (await store.searchMemories(OWNER, { ...place, text, ...more })).map((hit) => hit.memory.id)
}

const WORDINGS = ['I like tea.', 'I really like tea', 'Well, I like tea', 'i like tea too', 'Yes I like tea so much']

test('what says the same is one entry, found by the words of any, and told with those behind it', async () => {
  const store = open()
  for (const [i, text] of WORDINGS.entries()) await tell(store, `m${i}`, text)
  await tell(store, 'other', 'I like tea with milk')
  await settle(store)
  expect((await search(store, 'tea')).toSorted()).toEqual(['m0', 'other'])
  expect(await search(store, 'really')).toEqual(['m0'])
  const { into, members } = (await store.memoryGroup(OWNER, 'm0'))!
  expect([into, members.map(({ id }) => id)]).toEqual([null, ['m1', 'm2', 'm3', 'm4']])
  expect(await store.memoryGroup(OWNER, 'm3')).toEqual({ into: 'm0', members: [] })
  expect(await store.memoryGroup('another', 'm3')).toBeNull()
  // Nothing is lost: all are listed, and those that do not hold any more are searched as they are.
  expect(await search(store, 'tea', { ended: true })).toHaveLength(6)
})

test('nobody’s memories stand for another user’s, and what a tenant added stands for itself', async () => {
  const store = open()
  await tell(store, 'a', 'I like tea.', [], 'ann')
  await tell(store, 'b', 'I really like tea', [], 'bob')
  await store.addMemory(OWNER, memory('c', 'I like tea too', { user: 'bob' }), null)
  await settle(store)
  expect((await search(store, 'tea')).toSorted()).toEqual(['a', 'b', 'c'])
})

test('a member that is deleted leaves the group, and what stood behind a deleted one is grouped anew', async () => {
  const store = open()
  for (const [i, text] of WORDINGS.entries()) await tell(store, `m${i}`, text)
  await settle(store)
  await removeMemories(store, OWNER, 'm2')
  // Also before they are compared again, nothing is hidden behind what is gone.
  expect((await search(store, 'tea')).length).toBeGreaterThan(0)
  await settle(store)
  expect((await store.memoryGroup(OWNER, 'm0'))!.members.map(({ id }) => id)).toEqual(['m1', 'm3', 'm4'])
  await removeMemories(store, OWNER, 'm0')
  expect((await search(store, 'tea')).toSorted()).toEqual(['m1', 'm3', 'm4'])
  await settle(store)
  expect(await search(store, 'tea')).toEqual(['m1'])
})

test('one that does not hold any more, or says something else, stands for nothing', async () => {
  const store = open()
  await tell(store, 'm0', 'I like tea.')
  await tell(store, 'm1', 'I really like tea')
  await settle(store)
  expect(await search(store, 'tea')).toEqual(['m0'])
  await tell(store, 'm2', 'I prefer water now', ['m0'])
  expect(await search(store, 'tea')).toEqual(['m1'])
  await tell(store, 'm3', 'Well, I like tea')
  await settle(store)
  expect(await search(store, 'tea')).toEqual(['m1'])
  const change = { text: 'I like milk', metadata: {}, expires: null, updated: 5 }
  await store.changeMemory(OWNER, 'm1', change, null)
  expect(await search(store, 'milk')).toEqual(['m1'])
  await settle(store)
  expect(await search(store, 'tea')).toEqual(['m3'])
})

test('it can be switched off, and a folder where it was on then has every memory for itself', async () => {
  const folder = temporaryFolder()
  const first = start(folder)
  for (const [i, text] of WORDINGS.entries()) await tell(first, `m${i}`, text)
  await settle(first)
  await first.close()
  const store = start(folder, { consolidation: false })
  expect(await search(store, 'tea')).toHaveLength(WORDINGS.length)
  await tell(store, 'more', 'I like tea, I do')
  expect(await store.consolidateMemories()).toBe(false)
  await store.close()
})

test('whatever is told, changed and deleted: each memory that holds is an entry, or stands behind one that holds', async () => {
  const step = fc.record({
    what: fc.constantFrom('tell', 'tell', 'tell', 'end', 'remove', 'change', 'embed', 'settle'),
    text: fc.constantFrom(...WORDINGS, 'I like tea with milk', 'I drink 2 teas', 'I drink 3 teas', 'I drink teas'),
    at: fc.nat(20),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const folder = temporaryFolder()
      const store = start(folder)
      const holding = new Map<string, string>()
      for (const [i, { what, text, at }] of steps.entries()) {
        const chosen = [...holding.keys()][at % Math.max(1, holding.size)]
        if (what === 'tell') {
          await tell(store, `m${i}`, text)
          if (await store.findMemory(OWNER, `m${i}`)) holding.set(`m${i}`, text)
        } else if (what === 'end' && chosen) {
          await store.tellMemories(OWNER, [{ namespace: 'default', user: null, ends: [chosen], memory: null }])
          holding.delete(chosen)
        } else if (what === 'remove' && chosen) {
          await removeMemories(store, OWNER, chosen)
          holding.delete(chosen)
        } else if (what === 'change' && chosen) {
          const changed = await store.changeMemory(
            OWNER,
            chosen,
            { text, metadata: {}, expires: null, updated: i },
            null,
          )
          if (typeof changed === 'object') holding.set(chosen, text)
        } else if (what === 'embed' && chosen) {
          const made = { embedder: 'e', vector: Float32Array.of(1, at / 20) }
          await store.embedMemory(OWNER, chosen, holding.get(chosen)!, made)
        } else if (what === 'settle') await settle(store)
        const shown = new Set(await search(store, 'like tea teas drink milk'))
        for (const id of holding.keys()) {
          const { into } = (await store.memoryGroup(OWNER, id))!
          expect([id, shown.has(into ?? id)]).toEqual([id, true])
          if (into !== null) expect((await store.memoryGroup(OWNER, into))!.into).toBeNull()
        }
        for (const id of shown) expect(holding.has(id)).toBe(true)
      }
      await store.close()
      expect(disagreements(folder)).toEqual([])
    }),
    { numRuns: 10 },
  )
})
