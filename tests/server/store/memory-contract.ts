/** What any store has to do with memories: the same tests for each. */
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MadeVector, Memory, MemoryCalls, MemoryQuery } from '../../../server/store/memory-calls.ts'
import type { Store } from '../../../server/store/store.ts'
import { removeMemories } from '../../support/erasing.ts'

type Opened = Pick<Store, keyof MemoryCalls | 'erase' | 'close'>

const OWNER = 'tenant-a'
export const memory = (id: string, text: string, changes: Partial<Memory> = {}): Memory => ({
  id,
  namespace: 'default',
  user: null,
  text,
  metadata: {},
  created: 1,
  updated: 1,
  expires: null,
  source: null,
  fact: null,
  ended: null,
  ...changes,
})
const query = (text: string, changes: Partial<MemoryQuery> = {}): MemoryQuery => ({
  namespace: 'default',
  user: null,
  topics: [],
  ended: false,
  metadata: {},
  text,
  made: null,
  limit: 10,
  ...changes,
})
const made = (...numbers: number[]): MadeVector => ({ embedder: 'e', vector: Float32Array.from(numbers) })
const everything = { namespace: null, user: null }

export function memoryContract(name: string, openStore: () => Promise<Opened>, numRuns = 8): void {
  const open = async (): Promise<Opened> => {
    const store = await openStore()
    onTestFinished(() => store.close())
    return store
  }
  const found = async (store: Opened, asked: MemoryQuery, owner = OWNER): Promise<string[]> =>
    (await store.searchMemories(owner, asked)).map(({ memory: { id } }) => id)

  describe(`the contract of a store of memories: ${name}`, () => {
    test('it gives back what was added, to its owner only', async () => {
      const store = await open()
      const one = memory('m1', 'Zürich 😀', { user: 'u', metadata: { a: 'b' }, expires: 2 ** 50 })
      expect(await store.addMemory(OWNER, one, made(1, 0))).toEqual({ memory: one, added: true })
      expect(await store.findMemory(OWNER, 'm1')).toEqual(one)
      for (const [owner, id] of [
        ['tenant-b', 'm1'],
        ['', 'm1'],
        [OWNER, 'm2'],
        [OWNER, 'M1'],
      ] as const)
        expect(await store.findMemory(owner, id)).toBeNull()
    })

    test('the same text of a user is one memory; of another user, namespace or owner another', async () => {
      const store = await open()
      const first = memory('m1', 'I like tea')
      await store.addMemory(OWNER, first, null)
      expect(await store.addMemory(OWNER, memory('m2', 'I like tea'), null)).toEqual({ memory: first, added: false })
      for (const [id, owner, changes] of [
        ['m3', OWNER, { user: 'u' }],
        ['m4', OWNER, { namespace: 'work' }],
        ['m5', 'tenant-b', {}],
      ] as const)
        expect(await store.addMemory(owner, memory(id, 'I like tea', changes), null)).toMatchObject({ added: true })
      expect(await store.memoryNamespaces(OWNER)).toEqual([
        { namespace: 'default', memories: 2 },
        { namespace: 'work', memories: 1 },
      ])
    })

    test('search finds words whatever their case and accents, and the rarer word counts more', async () => {
      const store = await open()
      await store.addMemory(OWNER, memory('a', 'My cat likes the garden'), null)
      await store.addMemory(OWNER, memory('b', 'My dog likes the garden'), null)
      await store.addMemory(OWNER, memory('c', 'Die Straße in Zürich'), null)
      await store.addMemory(OWNER, memory('d', '我喜欢绿茶'), null)
      expect(await found(store, query('the CAT of the garden'))).toEqual(['a', 'b'])
      expect(await found(store, query('zurich'))).toEqual(['c'])
      expect(await found(store, query('绿茶'))).toEqual(['d'])
      expect(await found(store, query('elephant'))).toEqual([])
    })

    test('vectors find what words do not, and what both find comes first', async () => {
      const store = await open()
      await store.addMemory(OWNER, memory('words', 'My locker code is 4071'), made(0, 1))
      await store.addMemory(OWNER, memory('both', 'The code of my locker'), made(1, 0))
      await store.addMemory(OWNER, memory('near', 'It opens with these digits'), made(0.9, 0.1))
      const hits = await store.searchMemories(OWNER, query('locker code', { made: made(1, 0), limit: 3 }))
      expect(hits.map(({ memory: { id } }) => id)).toEqual(['both', 'near', 'words'])
      expect(hits[1]).toMatchObject({ words: null, similarity: expect.closeTo(0.9, 6) })
      // A vector of another embedder is no vector here.
      const other = { embedder: 'other', vector: Float32Array.of(1, 0) }
      expect(await found(store, query('digits', { made: other }))).toEqual(['near'])
    })

    test('search keeps to the user and to the metadata that are asked for', async () => {
      const store = await open()
      await store.addMemory(OWNER, memory('a', 'likes tea', { user: 'ann', metadata: { source: 'chat' } }), made(1, 0))
      await store.addMemory(OWNER, memory('b', 'likes tea', { user: 'bob' }), made(1, 0))
      await store.addMemory(OWNER, memory('c', 'likes tea too'), made(1, 0))
      const tea = { made: made(1, 0) }
      expect((await found(store, query('tea', tea))).toSorted()).toEqual(['a', 'b', 'c'])
      expect(await found(store, query('tea', { ...tea, user: 'bob' }))).toEqual(['b'])
      expect(await found(store, query('tea', { ...tea, metadata: { source: 'chat' } }))).toEqual(['a'])
      expect(await found(store, query('tea', { ...tea, namespace: 'work' }))).toEqual([])
    })

    test('a change is what is found from then on, and its history says what was before', async () => {
      const store = await open()
      await store.addMemory(OWNER, memory('m', 'My code is 4071'), made(1, 0))
      await store.addMemory(OWNER, memory('n', 'taken'), null)
      await store.searchMemories(OWNER, query('code', { made: made(1, 0) }))
      const change = { text: 'My code is 9318', metadata: { a: 'b' }, expires: null, updated: 5 }
      expect(await store.changeMemory(OWNER, 'm', change, made(0, 1))).toEqual({ ...memory('m', ''), ...change })
      expect(await found(store, query('4071'))).toEqual([])
      expect(await found(store, query('9318'))).toEqual(['m'])
      const [hit] = await store.searchMemories(OWNER, query('9318', { made: made(0, 1) }))
      expect(hit?.similarity).toBeCloseTo(1, 6)
      expect(await store.memoryHistory(OWNER, 'm')).toEqual([
        { kind: 'added', time: 1, text: 'My code is 4071', metadata: {} },
        { kind: 'updated', time: 5, text: 'My code is 9318', metadata: { a: 'b' } },
      ])
      expect(await store.changeMemory(OWNER, 'm', { ...change, text: 'taken' }, null)).toBe('taken')
      expect(await store.changeMemory('tenant-b', 'm', change, null)).toBe('unknown')
      expect(await store.memoryHistory('tenant-b', 'm')).toBeNull()
    })

    test('what is over is not found, not listed, and goes; its text can be added again', async () => {
      const store = await open()
      await store.addMemory(OWNER, memory('old', 'likes tea', { expires: Date.now() - 1 }), made(1, 0))
      await store.addMemory(OWNER, memory('new', 'likes coffee', { expires: Date.now() + 100_000 }), null)
      expect(await found(store, query('likes', { made: made(1, 0) }))).toEqual(['new'])
      expect(await store.findMemory(OWNER, 'old')).toBeNull()
      const page = { ...everything, limit: 10, after: null, order: 'asc' } as const
      expect((await store.listMemories(OWNER, page)).map(({ id }) => id)).toEqual(['new'])
      expect(await store.addMemory(OWNER, memory('again', 'likes tea'), null)).toMatchObject({ added: true })
      await store.addMemory(OWNER, memory('x', 'likes milk', { expires: 1 }), null)
      expect(await store.expireMemories()).toBe(1)
      expect(await store.expireMemories()).toBe(0)
    })

    test('a text comes back as it was, whatever it begins with', async () => {
      const store = await open()
      for (const [at, text] of ['\ufeffcode', '\u0000code', ' code ', '\u0085code', '\u{1F600} code'].entries()) {
        await store.addMemory(OWNER, memory(`m${at}`, text), null)
        expect((await store.findMemory(OWNER, `m${at}`))?.text).toBe(text)
      }
    })

    test('after one memory was deleted, another one that is read is that one', async () => {
      const store = await open()
      const [first, second] = [memory('m1', 'likes tea'), memory('m2', 'likes coffee')]
      await store.addMemory(OWNER, first, null)
      await store.addMemory('tenant-b', second, null)
      expect(await removeMemories(store, OWNER, 'm1')).toBe(1)
      expect(await store.findMemory('tenant-b', 'm2')).toEqual(second)
      expect(await removeMemories(store, OWNER, 'm1')).toBe(0)
      expect(await store.findMemory('tenant-b', 'm2')).toEqual(second)
    })

    test('lists go on where they ended, in both orders', async () => {
      const store = await open()
      const ids = Array.from({ length: 7 }, (_, i) => `m${i}`)
      for (const id of ids) await store.addMemory(OWNER, memory(id, id), null)
      for (const order of ['asc', 'desc'] as const) {
        const seen: string[] = []
        for (let after: string | null = null; ; after = seen.at(-1)!) {
          const page = await store.listMemories(OWNER, { ...everything, limit: 3, after, order })
          if (page.length === 0) break
          seen.push(...page.map(({ id }) => id))
        }
        expect(seen).toEqual(order === 'asc' ? ids : ids.toReversed())
      }
    })

    test('what has no vector of an embedder is told, and gets one unless its text has changed', async () => {
      const store = await open()
      await store.addMemory(OWNER, memory('a', 'tea'), null)
      await store.addMemory('tenant-b', memory('b', 'milk'), made(0, 1))
      expect(await store.unembeddedMemories('e', 10)).toEqual([{ owner: OWNER, id: 'a', text: 'tea' }])
      expect(await store.unembeddedMemories('f', 10)).toHaveLength(2)
      expect(await store.embedMemory(OWNER, 'a', 'another text', made(1, 0))).toBe(false)
      expect(await store.embedMemory(OWNER, 'a', 'tea', made(1, 0))).toBe(true)
      expect(await store.unembeddedMemories('e', 10)).toEqual([])
      expect(await found(store, query('nothing', { made: made(1, 0) }))).toEqual(['a'])
    })

    test('the topics of a user are those of facts that hold, each once', async () => {
      const store = await open()
      const fact = (id: string, attribute: string, value: string, user: string | null = null) =>
        memory(id, `${attribute} ${value}`, { user, fact: { subject: 'user', attribute, value } })
      const tell = (one: Memory, ends: string[] = []) =>
        store.tellMemories(OWNER, [{ namespace: 'default', user: one.user, ends, memory: one }])
      for (const [id, attribute, value] of [
        ['a', 'job', 'baker'],
        ['b', 'likes', 'tea'],
        ['c', 'likes', 'milk'],
      ] as const)
        await tell(fact(id, attribute, value))
      await tell(fact('d', 'age', '41'), ['a'])
      await tell(fact('e', 'birthday', 'May 3', 'ann'))
      const attributes = async (user: string | null) =>
        (await store.topicsOf(OWNER, { namespace: 'default', user })).map(({ attribute }) => attribute).toSorted()
      expect(await attributes(null)).toEqual(['age', 'likes'])
      expect(await attributes('ann')).toEqual(['birthday'])
      expect(await store.topicsOf('tenant-b', { namespace: 'default', user: null })).toEqual([])
    })

    test('of the texts of a user those that hold are told from those that do not any more, and from unknown ones', async () => {
      const store = await open()
      const tell = (one: Memory, ends: readonly string[] = []) =>
        store.tellMemories(OWNER, [{ namespace: 'default', user: one.user, ends, memory: one }])
      await tell(memory('old', 'the joiner comes thursday', { user: 'ann' }))
      await tell(memory('new', 'no wait, friday', { user: 'ann' }), ['old'])
      const texts = ['no wait, friday', 'the joiner comes thursday', 'never told']
      const kept = (user: string | null, ended: boolean) =>
        store.keptTexts(OWNER, { namespace: 'default', user, ended, texts })
      expect(await kept('ann', false)).toEqual(['no wait, friday'])
      expect(await kept('ann', true)).toEqual(['the joiner comes thursday'])
      expect([await kept('ben', true), await kept(null, false)]).toEqual([[], []])
    })

    test('whatever is added, changed and deleted: searches and lists are those of the memories that are there', async () => {
      const text = fc.array(fc.constantFrom('tea', 'milk', 'cat', 'dog', 'Ann'), { minLength: 1, maxLength: 4 })
      const step = fc.record({
        what: fc.constantFrom('add', 'add', 'change', 'remove', 'clear', 'search'),
        owner: fc.constantFrom('tenant-a', 'tenant-b'),
        namespace: fc.constantFrom('one', 'two'),
        user: fc.constantFrom(null, 'u'),
        words: text,
        at: fc.nat(30),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
          const store = await openStore()
          const model = new Map<string, Memory & { readonly owner: string }>()
          const vectorOf = (words: readonly string[]): MadeVector => made(words.length, words.join('').length)
          try {
            for (const [i, { what, owner, namespace, user, words, at }] of steps.entries()) {
              const mine = [...model.values()].filter((one) => one.owner === owner)
              const chosen = mine[at % Math.max(1, mine.length)]
              const said = words.join(' ')
              const isThere = (ns: string, who: string | null) =>
                mine.some((one) => one.namespace === ns && one.user === who && one.text === said)
              if (what === 'add') {
                const one = memory(`m${i}`, said, { namespace, user })
                const { added } = await store.addMemory(owner, one, vectorOf(words))
                expect(added).toBe(!isThere(namespace, user))
                if (added) model.set(one.id, { ...one, owner })
              } else if (what === 'change' && chosen) {
                const change = { text: said, metadata: {}, expires: null, updated: i }
                const result = await store.changeMemory(owner, chosen.id, change, vectorOf(words))
                if (chosen.text !== said && isThere(chosen.namespace, chosen.user)) expect(result).toBe('taken')
                else model.set(chosen.id, { ...chosen, ...change })
              } else if (what === 'remove' && chosen) {
                expect(await removeMemories(store, owner, chosen.id)).toBe(1)
                model.delete(chosen.id)
              } else if (what === 'clear' && at === 0) {
                const gone = mine.filter((one) => one.namespace === namespace && (user === null || one.user === user))
                expect(await removeMemories(store, owner, { namespace, user })).toBe(gone.length)
                for (const { id } of gone) model.delete(id)
              } else if (what === 'search') {
                const here = mine.filter((one) => one.namespace === namespace && (user === null || one.user === user))
                const asked = { namespace, user, limit: 100 }
                const byWords = here.filter((one) =>
                  one.text.split(' ').some((word) => (words as readonly string[]).includes(word)),
                )
                const sortedIds = (all: readonly { id: string }[]) => all.map(({ id }) => id).toSorted()
                expect((await found(store, query(said, asked), owner)).toSorted()).toEqual(sortedIds(byWords))
                const near = await store.searchMemories(owner, query('', { ...asked, made: vectorOf(words) }))
                expect(sortedIds(near.map((hit) => hit.memory))).toEqual(sortedIds(here))
                const expected = here.map((one) => {
                  const [a, b] = vectorOf(one.text.split(' ')).vector as unknown as [number, number]
                  return a * words.length + b * words.join('').length
                })
                expect(near.map(({ similarity }) => similarity)).toEqual(expected.toSorted((a, b) => b - a))
              }
            }
            for (const owner of ['tenant-a', 'tenant-b']) {
              const page = { ...everything, limit: 100, after: null, order: 'asc' } as const
              const expected = [...model.values()].filter((one) => one.owner === owner).map(({ id }) => id)
              expect((await store.listMemories(owner, page)).map(({ id }) => id)).toEqual(expected)
            }
          } finally {
            await store.close()
          }
        }),
        { numRuns },
      )
    })
  })
}
