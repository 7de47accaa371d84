import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { embedderSource } from '../../../server/cli.ts'
import { configSchema } from '../../../server/config.ts'
import { startServer } from '../../../server/serve.ts'
import { fakeParts, fakeSource } from '../../support/fake-source.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type Json, type TestServer } from '../../support/test-server.ts'
import { writeTinyEmbedder } from '../../support/tiny-embedder.ts'

const add = async (server: TestServer, body: Json, headers?: Record<string, string>): Promise<Json> =>
  (await server.post('/v1/memories', body, headers)).json.data[0]
const search = async (server: TestServer, body: Json, headers?: Record<string, string>): Promise<string[]> =>
  (await server.post('/v1/memories/search', body, headers)).json.data.map(({ text }: Json) => text)
const ask = async (server: TestServer, method: string, path: string, headers?: Record<string, string>) => {
  const answer = await server.request(method, path, undefined, headers)
  return { status: answer.status, json: (await answer.json()) as Json }
}

describe('memories', () => {
  test('what was told is found by its words without the commonest, with its score; telling it again changes nothing', async () => {
    const server = await startTestServer()
    const told = await add(server, { text: 'My locker code is 4071.', metadata: { topic: 'codes' }, user_id: 'ann' })
    expect(told).toMatchObject({
      object: 'memory',
      id: expect.stringMatching(/^mem_/),
      namespace: 'default',
      user_id: 'ann',
      metadata: { topic: 'codes' },
      expires_at: null,
      event: 'added',
    })
    await add(server, { text: 'My cat is called Minka.' })
    expect(await add(server, { text: 'My locker code is 4071.', user_id: 'ann' })).toEqual({ ...told, event: 'known' })
    const { json } = await server.post('/v1/memories/search', { query: 'what is the code of my locker?' })
    expect(json.embedder).toBeNull()
    expect(json.data.map(({ text }: Json) => text)).toEqual(['My locker code is 4071.'])
    expect(json.data[0]).toMatchObject({ similarity: null, word_score: expect.any(Number), score: 1 })
  })

  test("of messages in mem0's shape the user's are remembered word for word", async () => {
    const server = await startTestServer()
    const messages = [
      { role: 'user', content: 'I moved to Bern.' },
      { role: 'assistant', content: 'I will tell everybody that you moved to Basel.' },
      { role: 'user', content: 'Thank you', name: 'ann' },
    ]
    const { json } = await server.post('/v1/memories', { messages, user_id: 'ann', infer: false })
    expect(json.data.map(({ text }: Json) => text)).toEqual(['I moved to Bern.', 'Thank you'])
    expect(await search(server, { query: 'Basel', top_k: 5 })).toEqual([])
  })

  test('it is corrected, with its history, and deleted with it', async () => {
    const server = await startTestServer()
    const { id } = await add(server, { text: 'I live in Bern' })
    const { json } = await server.post(`/v1/memories/${id}`, { text: 'I live in Basel', metadata: { by: 'ann' } })
    expect(json).toMatchObject({ id, text: 'I live in Basel', metadata: { by: 'ann' } })
    expect(await search(server, { query: 'Bern' })).toEqual([])
    expect(await search(server, { query: 'basel' })).toEqual(['I live in Basel'])
    const history = await ask(server, 'GET', `/v1/memories/${id}/history`)
    expect(history.json.data.map(({ event, text }: Json) => [event, text])).toEqual([
      ['added', 'I live in Bern'],
      ['updated', 'I live in Basel'],
    ])
    await add(server, { text: 'I live in Chur' })
    const taken = await server.post(`/v1/memories/${id}`, { text: 'I live in Chur' })
    expect([taken.status, taken.json.error.code]).toEqual([409, 'memory_exists'])
    expect((await ask(server, 'DELETE', `/v1/memories/${id}`)).json).toMatchObject({
      id,
      object: 'memory',
      deleted: true,
    })
    for (const path of [`/v1/memories/${id}`, `/v1/memories/${id}/history`])
      expect((await ask(server, 'GET', path)).json.error.code).toBe('memory_not_found')
    expect((await ask(server, 'DELETE', `/v1/memories/${id}`)).status).toBe(404)
  })

  test('lists have pages; everything goes only where that is said', async () => {
    const server = await startTestServer()
    for (const text of ['a', 'b', 'c']) await add(server, { text })
    await add(server, { text: 'd', namespace: 'work', user_id: 'ann' })
    const first = await ask(server, 'GET', '/v1/memories?limit=3&order=asc')
    expect(first.json.data.map(({ text }: Json) => text)).toEqual(['a', 'b', 'c'])
    expect(first.json.has_more).toBe(true)
    const rest = await ask(server, 'GET', `/v1/memories?limit=3&order=asc&after=${first.json.last_id}`)
    expect([rest.json.data[0].text, rest.json.has_more]).toEqual(['d', false])
    expect((await ask(server, 'GET', '/v1/memories?after=mem_none')).json.error.param).toBe('after')
    expect((await ask(server, 'GET', '/v1/memories/namespaces')).json.data).toEqual([
      { namespace: 'default', memories: 3 },
      { namespace: 'work', memories: 1 },
    ])
    const refused = await ask(server, 'DELETE', '/v1/memories')
    expect(refused.json.error.message).toContain('expected namespace, user_id or all=true')
    expect((await ask(server, 'DELETE', '/v1/memories?user_id=ann')).json.deleted).toBe(1)
    expect((await ask(server, 'DELETE', '/v1/memories?all=true')).json.deleted).toBe(3)
  })

  test('what has expired is not found', async () => {
    const server = await startTestServer()
    await add(server, { text: 'the train leaves at 9', expires_at: Math.floor(Date.now() / 1000) - 5 })
    await add(server, { text: 'the train leaves at 10', expires_at: Math.floor(Date.now() / 1000) + 500 })
    expect(await search(server, { query: 'train' })).toEqual(['the train leaves at 10'])
  })

  test("a tenant's memories do not exist for another one, on any endpoint", async () => {
    const keysFile = join(temporaryFolder(), 'keys.json')
    const hash = (key: string) => createHash('sha256').update(key).digest('hex')
    const keys = ['ann', 'bob'].map((name) => ({ name, tenant: name, hash: hash(name) }))
    writeFileSync(keysFile, JSON.stringify({ keys }))
    const server = await startTestServer({ keysFile })
    const [ann, bob] = ['ann', 'bob'].map((key) => ({ authorization: `Bearer ${key}` })) as [Json, Json]
    const { id } = await add(server, { text: 'My locker code is 4071.' }, ann)
    expect(await search(server, { query: 'locker code' }, bob)).toEqual([])
    expect((await ask(server, 'GET', '/v1/memories', bob)).json.data).toEqual([])
    expect((await ask(server, 'GET', '/v1/memories/namespaces', bob)).json.data).toEqual([])
    expect((await ask(server, 'GET', `/v1/memories?after=${id}`, bob)).status).toBe(404)
    for (const [method, path] of [
      ['GET', `/v1/memories/${id}`],
      ['GET', `/v1/memories/${id}/history`],
      ['DELETE', `/v1/memories/${id}`],
    ] as const)
      expect((await ask(server, method, path, bob)).status).toBe(404)
    expect((await server.post(`/v1/memories/${id}`, { text: 'mine' }, bob)).status).toBe(404)
    expect((await ask(server, 'DELETE', '/v1/memories?all=true', bob)).json.deleted).toBe(0)
    expect(await add(server, { text: 'My locker code is 4071.' }, bob)).toMatchObject({ event: 'added' })
    expect(await search(server, { query: 'locker code' }, ann)).toEqual(['My locker code is 4071.'])
  })

  test('what cannot be done is refused by its name', async () => {
    const server = await startTestServer()
    for (const [path, body, message] of [
      ['/v1/memories', {}, 'expected either text or messages'],
      ['/v1/memories', { text: 'a', messages: [{ role: 'user', content: 'a' }] }, 'expected either text or messages'],
      ['/v1/memories', { text: '' }, "'text': "],
      ['/v1/memories', { text: 'a', infer: true }, "'infer': this parameter is not supported here, except as false"],
      ['/v1/memories', { text: 'a', agent: 'b' }, "Unknown parameter: 'agent'"],
      ['/v1/memories/search', {}, "Missing parameter: 'query'"],
      ['/v1/memories/search', { query: 'a', limit: 101 }, "'limit': "],
    ] as const) {
      const { status, json } = await server.post(path, body)
      expect([status, json.error.message]).toEqual([400, expect.stringContaining(message)])
    }
  })

  test('with an embedder meaning is compared too; what was written without it gets its vector at the next start', async () => {
    const data = temporaryFolder()
    const start = async (withEmbedder: boolean) => {
      const config = configSchema.parse({ port: 0, data, logLevel: 'silent', drainTimeout: 1 })
      const embedders = withEmbedder
        ? [embedderSource(await loadBundle(await writeTinyEmbedder(temporaryFolder())))]
        : []
      const server = await startServer(config, { models: [fakeSource()], embedders }, fakeParts(config))
      const post = async (path: string, body: Json): Promise<Json> => {
        const headers = { 'content-type': 'application/json' }
        return (await fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()
      }
      return { server, post }
    }
    const before = await start(false)
    await before.post('/v1/memories', { text: 'My locker code is 4071' })
    await before.server.stop()
    const { server, post } = await start(true)
    onTestFinished(() => server.stop())
    await post('/v1/memories', { text: 'My cat is called Minka' })
    const both = {
      embedder: 'tiny-embedder',
      data: [{ similarity: expect.any(Number) }, { similarity: expect.any(Number) }],
    }
    // Nothing of the query is a word of a memory.
    await expect.poll(() => post('/v1/memories/search', { query: 'xyz' }), { timeout: 20_000 }).toMatchObject(both)
    const { data: hits } = await post('/v1/memories/search', { query: 'My locker code is 4071' })
    expect(hits[0]).toMatchObject({ text: 'My locker code is 4071', similarity: expect.closeTo(1, 5) })
  })
})
