/** What is told next of a subject is read with it, however much else was found. */
import { afterAll, expect, test } from 'vitest'
import { inContext } from '../../../server/memory/contexts.ts'
import { MemoryHistory } from '../../support/memory-history.ts'

const history = new MemoryHistory(null)
afterAll(() => history.close())

test('a message that leans on the best hit is added with what it leans on, after more hits than are looked at', async () => {
  const [told, leaning] = ['My cousin Milo opened a bakery in Graz', 'he lives above it']
  const others = Array.from({ length: 12 }, (_, at) => `My shelf ${at} holds ${at + 3} jars`)
  for (const message of [told, leaning, ...others]) await history.say(message, 'ann', 'c1')
  const whose = { namespace: 'default', user: 'ann' }
  const all = await history.store.listMemories('tenant-a', { ...whose, limit: 100, after: null, order: 'asc' })
  const found = all
    .filter(({ text }) => text !== leaning)
    .map((memory) => ({ memory, score: 1, topic: null, words: null, similarity: null }))
  expect(found.length).toBeGreaterThan(10)

  const { hits, contexts } = await inContext({ store: history.store }, 'tenant-a', whose, found)

  const added = hits.find(({ memory }) => memory.text === leaning)?.memory.id
  expect(hits.length).toBe(found.length + 1)
  expect(contexts.get(added!)).toMatchObject({ named: expect.arrayContaining(['cousin', 'milo']) })
})
