import { expect, test } from 'vitest'
import { allFacts } from '../../../server/memory/all-facts.ts'
import type { FactQuery, Memory } from '../../../server/store/memory-calls.ts'
import { startStore } from '../../../server/store/start.ts'
import type { Store } from '../../../server/store/store.ts'
import { removeMemories } from '../../support/erasing.ts'
import { generator, plainMemory } from '../../support/many-memories.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const LIMIT = 5
const STEPS = 80

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
  const store = open()
  const counting = counted(store)
  const random = generator(3)
  const oneOf = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)]!
  const told: { readonly owner: string; readonly memory: Memory }[] = []
  for (let i = 0; i < STEPS; i++) {
    const what = oneOf(['tell', 'tell', 'tell', 'correct', 'change', 'embed', 'expire', 'remove', 'remove'] as const)
    const [owner, namespace, user] = [oneOf(['tenant-a', 'tenant-b']), oneOf(['one', 'two']), oneOf([null, 'u'])]
    const before = told.length === 0 ? null : oneOf(told)
    if (what === 'tell' || what === 'correct' || !before) {
      const place = what === 'correct' && before ? before.memory : { namespace, user }
      const fact = { subject: 'user', attribute: `thing ${i % 7}`, value: `${i}` }
      const memory = {
        ...plainMemory(`m${i}`, `Thing ${i % 7} is ${i}.`),
        namespace: place.namespace,
        user: place.user,
        fact,
      }
      const whose = what === 'correct' && before ? before.owner : owner
      const ends = what === 'correct' && before ? [before.memory.id] : []
      await store.tellMemories(whose, [{ namespace: memory.namespace, user: memory.user, ends, memory }])
      told.push({ owner: whose, memory })
    } else if (what === 'remove') await removeMemories(store, before.owner, before.memory.id)
    else if (what === 'embed') {
      const made = { embedder: 'e', vector: Float32Array.of(1, i) }
      await store.embedMemory(before.owner, before.memory.id, before.memory.text, made)
    } else {
      const change = { text: `Changed ${i}.`, metadata: {}, expires: what === 'expire' ? 1 : null, updated: i }
      await store.changeMemory(before.owner, before.memory.id, change, null)
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
  await store.close()
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
