import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { allFacts } from '../../../server/memory/all-facts.ts'
import type { FactQuery, Memory } from '../../../server/store/memory-calls.ts'
import { startStore } from '../../../server/store/start.ts'
import type { Store } from '../../../server/store/store.ts'
import { removeMemories } from '../../support/erasing.ts'
import { plainMemory } from '../../support/many-memories.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const LIMIT = 5

function open(): Store {
  const settings = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 }
  return startStore({ folder: temporaryFolder(), ...settings })
}

/** The store, and how often facts were read of it. */
function counted(store: Store): Pick<Store, 'factsOf' | 'changesOf'> & { reads: number } {
  const counting = {
    reads: 0,
    changesOf: store.changesOf,
    factsOf(owner: string, query: FactQuery) {
      counting.reads++
      return store.factsOf(owner, query)
    },
  }
  return counting
}

test('facts are read again only where memories of the namespace have changed, and are always those of the store', async () => {
  const step = fc.record({
    what: fc.constantFrom('tell', 'tell', 'correct', 'change', 'embed', 'expire', 'remove', 'clear'),
    owner: fc.constantFrom('tenant-a', 'tenant-b'),
    namespace: fc.constantFrom('one', 'two'),
    user: fc.constantFrom(null, 'u'),
    at: fc.nat(20),
  })
  const run = async (steps: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[]): Promise<void> => {
    const store = open()
    const counting = counted(store)
    const all: { readonly owner: string; readonly memory: Memory }[] = []
    try {
      for (const [i, { what, owner, namespace, user, at }] of steps.entries()) {
        const { memory } = all[at % Math.max(1, all.length)] ?? { memory: null }
        const fact = { subject: 'user', attribute: `thing ${at}`, value: `${i}` }
        const next = { ...plainMemory(`m${i}`, `thing ${at} is ${i}`), namespace, user, fact }
        if (what === 'tell' || (what === 'correct' && memory)) {
          const ends = what === 'correct' && memory ? [memory.id] : []
          await store.tellMemories(owner, [{ namespace, user, ends, memory: next }])
          all.push({ owner, memory: next })
        } else if (what === 'clear') await removeMemories(store, owner, { namespace, user })
        else if (memory && what === 'remove') await removeMemories(store, owner, memory.id)
        else if (memory && what === 'embed')
          await store.embedMemory(owner, memory.id, memory.text, { embedder: 'e', vector: Float32Array.of(1, i) })
        else if (memory) {
          const expires = what === 'expire' ? 1 : null
          await store.changeMemory(owner, memory.id, { text: `${i}`, metadata: {}, expires, updated: i }, null)
        }
        for (const of of ['tenant-a', 'tenant-b'])
          for (const whose of [null, 'u']) {
            const asked = { namespace: 'one', user: whose, limit: LIMIT }
            const expected = await store.factsOf(of, { ...asked, topics: null, ended: true })
            expect(await allFacts(counting, of, asked)).toEqual(expected)
            const { reads } = counting
            expect(await allFacts(counting, of, asked)).toEqual(expected)
            expect(counting.reads).toBe(reads)
          }
      }
    } finally {
      await store.close()
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), run), { numRuns: 4 })
})

test('what expires is not kept: it goes without a change', async () => {
  const store = open()
  await store.ready
  const fact = { subject: 'user', attribute: 'code', value: '1' }
  const memory = { ...plainMemory('m', 'My code is 1.'), fact, expires: Date.now() + 900 }
  await store.tellMemories('a', [{ namespace: 'default', user: null, ends: [], memory }])
  const facts = async (): Promise<number> =>
    (await allFacts(store, 'a', { namespace: 'default', user: null, limit: LIMIT })).length
  expect(await facts()).toBe(1)
  await expect.poll(facts, { timeout: 5000 }).toBe(0)
  await store.close()
})
