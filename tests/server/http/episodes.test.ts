/** Turns as they are found across conversations. */
import { expect, test } from 'vitest'
import type { ServedEmbedder } from '../../../server/embedding/served-embedder.ts'
import { answering, holding } from '../../support/answering-model.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type Json, type TestOptions, type TestServer } from '../../support/test-server.ts'

const start = (options: TestOptions = {}): Promise<TestServer> =>
  startTestServer({ memories: 'on', ...answering, ...options })
const respond = async (server: TestServer, input: string, more: Json = {}, headers?: Record<string, string>) => {
  const { status, json } = await server.post('/v1/responses', { model: 'fake', input, ...more }, headers)
  expect([status, json.error]).toEqual([200, null])
  return json
}
const find = async (server: TestServer, query: string, more: Json = {}, headers?: Record<string, string>) => {
  const { status, json } = await server.post('/v1/episodes/search', { query, ...more }, headers)
  expect(status).toBe(200)
  return json.data as Json[]
}
const texts = async (server: TestServer, query: string, more: Json = {}): Promise<string[]> =>
  (await find(server, query, more)).map(({ text }) => text)

const QUESTION = 'How do I descale a kettle with vinegar?'

test('a turn is found by its words in another conversation, also one that told nothing', async () => {
  const server = await start()
  const first = await respond(server, 'Hello there')
  const asked = await respond(server, QUESTION, { previous_response_id: first.id })
  await respond(server, 'Write a poem about a kettle')
  const [hit] = await find(server, 'vinegar in the kettle')
  expect(hit).toMatchObject({
    object: 'episode',
    response_id: asked.id,
    conversation: first.id,
    text: QUESTION,
    user_id: null,
    word_score: expect.any(Number),
    similarity: null,
    reads: 0,
  })
  expect(await texts(server, 'kettle', { limit: 1 })).toHaveLength(1)
  expect(await texts(server, 'elephant')).toEqual([])
})

test('nobody finds the turns of another user, namespace or tenant, or what was not to be remembered', async () => {
  const [ann, bob] = ['ann', 'bob'].map((key) => ({ authorization: `Bearer ${key}` })) as [Json, Json]
  const server = await start({ keys: ['ann', 'bob'] })
  await respond(server, QUESTION, { metadata: { user_id: 'x' } }, ann)
  await respond(server, 'My kettle is old', { mneme: { memory: { namespace: 'work' } } }, ann)
  for (const hidden of [
    { store: false },
    { mneme: { memory: { mode: 'off' } } },
    { mneme: { memory: { mode: 'read' } } },
  ])
    await respond(server, 'A secret kettle', hidden, ann)
  const found = async (more: Json, headers: Json): Promise<number> =>
    (await find(server, 'kettle', more, headers)).length
  expect(await found({}, ann)).toBe(1)
  expect(await found({ user_id: 'x' }, ann)).toBe(1)
  expect(await found({ user_id: 'y' }, ann)).toBe(0)
  expect(await found({ namespace: 'work' }, ann)).toBe(1)
  expect(await found({}, bob)).toBe(0)
})

test('beyond the limit of an owner the turn that matters least goes from the index, never a pinned one, and stays stored', async () => {
  const server = await start({ memoryEntries: 3 })
  const pinned = await respond(server, 'a pinned kettle', { mneme: { memory: { pin: true } } })
  await respond(server, 'My locker code is 4071, said Anna at the kettle.')
  const idle = await respond(server, 'and a kettle')
  await respond(server, 'another kettle of Anna, 1871')
  expect((await texts(server, 'kettle')).toSorted()).toEqual([
    'My locker code is 4071, said Anna at the kettle.',
    'a pinned kettle',
    'another kettle of Anna, 1871',
  ])
  for (const { id } of [pinned, idle]) expect((await server.request('GET', `/v1/responses/${id}`)).status).toBe(200)
  const metrics = await (await server.request('GET', '/metrics')).text()
  expect(metrics).toMatch(/^mneme_episodes 3$/m)
  expect(metrics).toMatch(/^mneme_episode_evictions_total 1$/m)
})

test('a turn whose memory was read stays rather than a more important one that nobody read', async () => {
  const server = await start({ memoryEntries: 2 })
  const told = await respond(server, 'My locker code is abcd.')
  await respond(server, 'I moved to Bern in 1999.')
  // Its own turn tells nothing: it is the one that goes first.
  await respond(server, 'What is my locker code?', { mneme: { memory: { mode: 'read' } } })
  const [read] = await find(server, 'locker')
  expect(read).toMatchObject({ response_id: told.id, reads: 1 })
  await respond(server, 'I moved to Basel in 2001.')
  expect(await texts(server, 'locker')).toHaveLength(1)
  expect(await texts(server, 'Bern')).toEqual([])
})

test('deleting takes a turn out of the index, and a user’s turns go with them, also those that told nothing', async () => {
  const folder = temporaryFolder()
  const server = await start({ folder })
  const user = { metadata: { user_id: 'ann' } }
  const { id } = await respond(server, 'How do I descale a zyzzyva?', user)
  expect(holding(folder, 'zyzzyva')).not.toEqual([])
  await server.request('DELETE', `/v1/responses/${id}`)
  expect(await texts(server, 'descale')).toEqual([])
  expect(holding(folder, 'zyzzyva')).toEqual([])
  const asked = await respond(server, 'How do I feed a zyzzyva?', user)
  const hidden = await respond(server, 'And a zyzzyva at home?', { ...user, mneme: { memory: { mode: 'off' } } })
  const other = await respond(server, 'And a kettle?', { metadata: { user_id: 'bob' } })
  const answer = await server.request('DELETE', '/v1/memories?user_id=ann&source=true')
  const { receipt } = (await answer.json()) as Json
  expect(new Set(receipt.responses)).toEqual(new Set([asked.id, hidden.id]))
  expect(holding(folder, 'zyzzyva')).toEqual([])
  expect((await server.request('GET', `/v1/responses/${other.id}`)).status).toBe(200)
})

test('with an embedder a turn is found by its meaning', async () => {
  const meaning = (text: unknown): Float32Array =>
    Float32Array.of(/tea|brew/.test(String(text)) ? 1 : 0, /dog|pet/.test(String(text)) ? 1 : 0)
  const embedder: ServedEmbedder = {
    name: 'meaning',
    bundle: 'e'.repeat(64),
    architecture: 'fake',
    parameters: 0,
    created: 0,
    width: 2,
    maxTokens: 512,
    normalize: true,
    embed: async (all) => ({ vectors: all.map(meaning), tokens: all.length }),
    runtime: 'fake',
  }
  const server = await start({ embedders: [embedder] })
  await respond(server, 'How long does tea take?')
  await respond(server, 'What do dogs eat?')
  await expect.poll(() => texts(server, 'brew', { limit: 1 })).toEqual(['How long does tea take?'])
  const [hit] = await find(server, 'pet')
  expect(hit).toMatchObject({ text: 'What do dogs eat?', similarity: 1, word_score: null })
})
