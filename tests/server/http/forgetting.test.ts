/** Deleting for good: what goes, what the receipt says, and that nothing brings it back. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { answering, holding } from '../../support/answering-model.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type Json, type TestOptions, type TestServer } from '../../support/test-server.ts'

const SECRET = 'quetzal71'
const TOLD = `My locker code is ${SECRET}.`
const QUESTION = 'What is my locker code?'

const start = (options: TestOptions = {}): Promise<TestServer> =>
  startTestServer({ memories: 'on', ...answering, ...options })
const respond = async (server: TestServer, body: Json, headers?: Record<string, string>): Promise<Json> => {
  const { status, json } = await server.post('/v1/responses', { model: 'fake', temperature: 0, ...body }, headers)
  expect([status, json.error]).toEqual([200, null])
  return json
}
const textOf = (response: Json): string => response.output[0].content[0].text
const writtenBy = (response: Json): string => response.usage.mneme.memory.written[0]
const remove = async (server: TestServer, path: string, headers?: Record<string, string>) => {
  const answer = await server.request('DELETE', `/v1/${path}`, undefined, headers)
  return { status: answer.status, json: (await answer.json()) as Json }
}
const status = async (server: TestServer, id: string): Promise<number> =>
  (await server.request('GET', `/v1/responses/${id}`)).status

/** A fact that was told, asked for in another conversation, and talked about further in both. */
async function talked(server: TestServer, more: Json = {}) {
  const told = await respond(server, { input: TOLD, ...more })
  const after = await respond(server, { input: 'Good.', previous_response_id: told.id, ...more })
  const hello = await respond(server, { input: 'Hello there', ...more })
  const asked = await respond(server, { input: QUESTION, previous_response_id: hello.id, ...more })
  const thanks = await respond(server, { input: 'Fine', previous_response_id: asked.id, ...more })
  expect(textOf(asked)).toBe(`it is ${SECRET}!`)
  return {
    memory: writtenBy(told),
    told: told.id,
    after: after.id,
    hello: hello.id,
    asked: asked.id,
    thanks: thanks.id,
  }
}

test('the receipt of a memory says what went, which replies were made with it, and where its text still is', async () => {
  const server = await start()
  const { memory, told, after, asked, thanks } = await talked(server)
  const { json } = await remove(server, `memories/${memory}`)
  expect(json).toMatchObject({ id: memory, object: 'memory', deleted: true })
  expect(json.receipt).toEqual({
    memories: [memory],
    responses: [],
    index_rows: { words: 5, vectors: 0, history: 1, uses: 1 },
    states: 0,
    pages: 0,
    prefixes: expect.any(Number),
    alike: [],
    repeated_by: [asked],
    followed_by: expect.arrayContaining([thanks, after]),
    sources: [told],
  })
  for (const id of [told, after, asked, thanks]) expect(await status(server, id)).toBe(200)
  expect((await remove(server, `memories/${memory}`)).json.error.code).toBe('memory_not_found')
  expect(textOf(await respond(server, { input: QUESTION }))).toBe('no')
})

test('cascade takes the replies that repeated it and what follows from them; the conversation goes on from before', async () => {
  const server = await start()
  const { memory, told, after, hello, asked, thanks } = await talked(server)
  const { receipt } = (await remove(server, `memories/${memory}?cascade=true`)).json
  expect(receipt).toMatchObject({ memories: [memory], repeated_by: [], sources: [told], followed_by: [after] })
  expect(new Set(receipt.responses)).toEqual(new Set([asked, thanks]))
  expect(receipt.states).toBe(2)
  expect([await status(server, asked), await status(server, thanks), await status(server, hello)]).toEqual([
    404, 404, 200,
  ])
  const again = await respond(server, { input: QUESTION, previous_response_id: hello })
  expect(textOf(again)).toBe('no')
})

test('of a memory that was given, and of a user, a response or a conversation with all that follows, no byte is left', async () => {
  const kinds: [string, (folder: Awaited<ReturnType<typeof talked>>) => string][] = [
    ['a memory and its source', ({ memory }) => `memories/${memory}?source=true&cascade=true`],
    ['a user', () => 'memories?user_id=ann&source=true&cascade=true'],
    ['a namespace', () => 'memories?namespace=default&source=true&cascade=true'],
    ['a response', ({ told }) => `responses/${told}?cascade=true`],
    ['a conversation', ({ told }) => `conversations/${told}?cascade=true`],
  ]
  for (const [kind, path] of kinds) {
    const folder = temporaryFolder()
    const server = await start({ folder, keepStates: 1 })
    const ids = await talked(server, { metadata: { user_id: 'ann' }, prompt_cache_retention: '24h' })
    const other = await respond(server, { input: 'My cat is called Minka.', metadata: { user_id: 'bob' } })
    expect([kind, holding(folder, SECRET).length > 0]).toEqual([kind, true])
    const { json } = await remove(server, path(ids))
    expect([kind, json.deleted === false, holding(folder, SECRET)]).toEqual([kind, false, []])
    expect(json.receipt.prefixes).toBeGreaterThan(0)
    // Nobody else's text is touched, but for a namespace's own.
    expect(await status(server, other.id)).toBe(kind === 'a namespace' ? 404 : 200)
    expect(holding(folder, 'Minka').length > 0).toBe(kind !== 'a namespace')
  }
  const folder = temporaryFolder()
  const server = await start({ folder })
  const given = (await server.post('/v1/memories', { text: TOLD })).json.data[0]
  expect(holding(folder, SECRET)).not.toEqual([])
  await remove(server, `memories/${given.id}`)
  expect(holding(folder, SECRET)).toEqual([])
})

test('a response goes alone unless it is told to cascade; a conversation goes with its branches', async () => {
  const server = await start()
  const { memory, told, after, asked, thanks } = await talked(server)
  const branch = await respond(server, { input: 'Fine', previous_response_id: told })
  const alone = (await remove(server, `responses/${told}`)).json
  expect(alone).toMatchObject({ id: told, object: 'response', deleted: true })
  expect(alone.receipt).toMatchObject({ responses: [told], memories: [memory], repeated_by: [asked], sources: [] })
  expect(new Set(alone.receipt.followed_by)).toEqual(new Set([after, branch.id, thanks]))
  expect((await remove(server, `responses/${told}`)).status).toBe(404)
  const all = (await remove(server, `conversations/${told}`)).json
  expect(all).toMatchObject({ id: told, object: 'conversation.deleted', deleted: true })
  expect(new Set(all.receipt.responses)).toEqual(new Set([after, branch.id]))
  expect((await remove(server, `conversations/${told}`)).status).toBe(404)
  expect(await status(server, asked)).toBe(200)
})

test('memories that say the same are named by the receipt of one of them, and go with it where it cascades', async () => {
  const server = await start()
  const pump = ['The pump was howling.', 'Well, the pump was howling.', 'Really, the pump was howling too.']
  const ids: string[] = []
  for (const input of [...pump, 'The boiler was leaking.', 'Well, the boiler was leaking.'])
    ids.push(writtenBy(await respond(server, { input })))
  const [shown, second, third, boiler, more] = ids as [string, string, string, string, string]
  const read = async (id: string): Promise<Json> => (await server.request('GET', `/v1/memories/${id}`)).json()
  await expect.poll(async () => (await read(boiler)).members, { timeout: 60_000 }).toHaveLength(1)
  expect((await read(third)).consolidated_into).toBe(shown)
  const { receipt } = (await remove(server, `memories/${second}`)).json
  expect(receipt).toMatchObject({ memories: [second], alike: [shown, third] })
  const all = (await remove(server, `memories/${more}?cascade=true`)).json.receipt
  expect([new Set(all.memories), all.alike]).toEqual([new Set([boiler, more]), []])
})

test('what goes is the owner’s alone, on every path', async () => {
  const [ann, bob] = ['ann', 'bob'].map((key) => ({ authorization: `Bearer ${key}` })) as [Json, Json]
  const server = await start({ keys: ['ann', 'bob'] })
  const told = await respond(server, { input: TOLD, metadata: { user_id: 'x' } }, ann)
  const his = await respond(server, { input: TOLD, metadata: { user_id: 'x' } }, bob)
  for (const path of [`memories/${writtenBy(told)}`, `responses/${told.id}`, `conversations/${told.id}`])
    for (const query of ['', '?cascade=true']) expect((await remove(server, `${path}${query}`, bob)).status).toBe(404)
  const all = await remove(server, 'memories?all=true&source=true&cascade=true', bob)
  expect(all.json.receipt).toMatchObject({ memories: [writtenBy(his)], responses: [his.id] })
  expect((await server.request('GET', `/v1/responses/${told.id}`, undefined, ann)).status).toBe(200)
  expect((await server.request('GET', `/v1/memories/${writtenBy(told)}`, undefined, ann)).status).toBe(200)
})

test('a reply that is being made with a memory while that is deleted is not stored, and says so', async () => {
  let go = (): void => undefined
  let isReading = (): void => undefined
  const reading = new Promise<void>((resolve) => (isReading = resolve))
  const gate = new Promise<void>((resolve) => (go = resolve))
  let waits = false
  const folder = temporaryFolder()
  const pause = async (): Promise<void> => {
    if (!waits) return
    isReading()
    await gate
  }
  const server = await start({ folder, pause })
  const given = (await server.post('/v1/memories', { text: TOLD })).json.data[0]
  waits = true
  const answer = server.post('/v1/responses', { model: 'fake', input: QUESTION })
  await reading
  expect((await remove(server, `memories/${given.id}?cascade=true`)).status).toBe(200)
  go()
  const { status: code, json } = await answer
  expect([code, json.error.code]).toEqual([409, 'deleted_meanwhile'])
  expect(holding(folder, SECRET)).toEqual([])
})

test('deleting drops prompts that an earlier server kept on disk, also where nothing is cached now', async () => {
  const folder = temporaryFolder()
  const server = await start({ folder, prefixCache: 0 })
  const state = { fixed: Uint8Array.from(Buffer.from(SECRET)), pages: [], firstPage: 0 }
  const record = { key: [1, 2], tokens: null, position: 2, calls: [2, 1], afterReply: false }
  await server.deps.store.putPrefix('local', 'b', record, state, null)
  const { id } = await respond(server, { input: 'Hello there' })
  expect((await remove(server, `responses/${id}`)).json.receipt.prefixes).toBe(1)
  expect(holding(folder, SECRET)).toEqual([])
})

test('a deleted fact is never answered: 1,000 questions after deletions of every kind', async () => {
  const server = await start({ recentStates: 1024 * 1024 })
  let [asked, number] = [0, 0]
  const wordings = [QUESTION, 'my locker code?', 'Tell me my locker code', 'Do you know my locker code', 'locker code']
  const step = fc.record({
    user: fc.constantFrom('ann', 'bob', 'eve'),
    kind: fc.constantFrom('memory', 'response', 'conversation', 'user'),
    told: fc.nat(2),
    wording: fc.nat(wordings.length - 1),
  })
  const round = async (user: string, kind: string, told: number): Promise<void> => {
    const of = { metadata: { user_id: user } }
    const values = Array.from({ length: told + 1 }, () => `v${number++}x`)
    let last: Json = null
    for (const value of values)
      last = await respond(server, { input: `My locker code is ${value}.`, ...of, previous_response_id: last?.id })
    const before = await respond(server, { input: QUESTION, ...of })
    expect(textOf(before)).toBe(`it is ${values.at(-1)}!`)
    const root = await server.request('GET', `/v1/memories/${writtenBy(last)}`)
    const { conversation } = ((await root.json()) as Json).source
    const paths: Readonly<Record<string, string>> = {
      memory: `memories/${writtenBy(last)}?source=true&cascade=true`,
      response: `responses/${last.id}?cascade=true`,
      conversation: `conversations/${conversation}?cascade=true`,
      user: `memories?user_id=${user}&source=true&cascade=true`,
    }
    expect((await remove(server, paths[kind]!)).status).toBe(200)
    for (const wording of wordings) {
      const open = { mneme: { gates: { semantic: true } } }
      for (const gate of [{}, open]) {
        const reply = textOf(await respond(server, { input: wording, ...of, ...gate, store: false }))
        expect([kind, wording, reply.includes(values.at(-1)!)]).toEqual([kind, wording, false])
        asked++
      }
    }
    await remove(server, `memories?user_id=${user}&source=true&cascade=true`)
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 10 }), async (steps) => {
      for (const { user, kind, told } of steps) await round(user, kind, told)
    }),
    { numRuns: 10 },
  )
  expect(asked).toBeGreaterThanOrEqual(1000)
}, 600_000)
