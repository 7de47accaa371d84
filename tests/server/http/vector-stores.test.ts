import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import OpenAI, { APIError, toFile } from 'openai'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { embedderSource } from '../../../server/cli.ts'
import { configSchema } from '../../../server/config.ts'
import { indexUnfinished } from '../../../server/files/index-file.ts'
import { startServer } from '../../../server/serve.ts'
import { fakeParts, fakeSource } from '../../support/fake-source.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type TestOptions } from '../../support/test-server.ts'
import { writeTinyEmbedder } from '../../support/tiny-embedder.ts'

async function connect(options?: TestOptions) {
  const server = await startTestServer(options)
  const url = await server.listen()
  const client = (apiKey = 'k') => new OpenAI({ apiKey, baseURL: `${url}/v1`, maxRetries: 0 })
  return { server, client: client(), clientOf: client }
}

const text = (name: string, content: string) => toFile(Buffer.from(content), name)
const WARRANTY = 'The kettle has a warranty of 24 months.\n\nIt holds 1.7 litres of water.'
const GARDEN = 'Tomatoes need six hours of sun a day. Water them in the morning.'

/** The status, code and parameter of the error that a call ends in. */
async function refusal(call: Promise<unknown>): Promise<readonly unknown[]> {
  const error = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(APIError)
  const { status, code, param } = error as APIError
  return [status, code, param]
}

async function filled(options?: TestOptions) {
  const connected = await connect(options)
  const { client } = connected
  const kettle = await client.files.create({ file: await text('kettle.md', WARRANTY), purpose: 'assistants' })
  const garden = await client.files.create({ file: await text('garden.txt', GARDEN), purpose: 'assistants' })
  const store = await client.vectorStores.create({ name: 'manuals', file_ids: [kettle.id, garden.id] })
  return { ...connected, kettle, garden, store }
}

describe('files, by the official client', () => {
  test('are uploaded, described, listed, read byte by byte and deleted', async () => {
    const { client } = await connect()
    const content = 'Zürich 😀\r\n\ttabs\n'
    const file = await client.files.create({ file: await text('notes.md', content), purpose: 'user_data' })
    expect(file).toMatchObject({
      object: 'file',
      filename: 'notes.md',
      bytes: Buffer.byteLength(content),
      purpose: 'user_data',
      status: 'processed',
      expires_at: null,
    })
    expect(await client.files.retrieve(file.id)).toEqual(file)
    expect(await (await client.files.content(file.id)).text()).toBe(content)
    expect((await client.files.waitForProcessing(file.id)).id).toBe(file.id)
    const other = await client.files.create({ file: await text('b.txt', 'b'), purpose: 'assistants' })
    const listed: string[] = []
    for await (const one of client.files.list({ limit: 1 })) listed.push(one.id)
    expect(listed).toEqual([other.id, file.id])
    expect((await client.files.list({ purpose: 'user_data' })).data.map(({ id }) => id)).toEqual([file.id])
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: 'file', deleted: true })
    expect(await refusal(client.files.retrieve(file.id))).toEqual([404, 'file_not_found', 'file_id'])
    expect(await refusal(client.files.content(file.id))).toEqual([404, 'file_not_found', 'file_id'])
    expect(await refusal(client.files.delete(file.id))).toEqual([404, 'file_not_found', 'file_id'])
  })

  test('that are no text are refused by their name', async () => {
    const { client } = await connect()
    const upload = async (name: string, bytes: Uint8Array) =>
      client.files.create({ file: await toFile(bytes, name), purpose: 'assistants' })
    for (const [name, bytes] of [
      ['report.pdf', Buffer.from('%PDF-1.7 ...')],
      ['letter.docx', Buffer.from([0x50, 0x4b, 3, 4, 0])],
      ['photo.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xd, 0xa])],
      ['latin1.txt', Buffer.from('Z\xfcrich', 'latin1')],
      ['zeros.txt', Buffer.from('a\0b')],
    ] as const) {
      expect(await refusal(upload(name, bytes))).toEqual([400, 'unsupported_file', 'file'])
      await expect(upload(name, bytes)).rejects.toThrow(name)
    }
    expect((await upload('utf-16.txt', Buffer.from('\ufeffZürich', 'utf16le'))).filename).toBe('utf-16.txt')
  })

  test('with a purpose or an expiry that is not served are refused by its name', async () => {
    const { client } = await connect()
    const file = await text('a.txt', 'a')
    expect(await refusal(client.files.create({ file, purpose: 'fine-tune' }))).toEqual([
      400,
      'invalid_value',
      'purpose',
    ])
    const expiring = { file, purpose: 'user_data', expires_after: { anchor: 'created_at', seconds: 3600 } } as const
    const { created_at: created, expires_at: expires } = await client.files.create(expiring)
    expect(expires).toBe(created + 3600)
    const soon = { ...expiring, expires_after: { anchor: 'created_at', seconds: 5 } } as const
    expect(await refusal(client.files.create(soon))).toEqual([400, 'invalid_value', 'expires_after[seconds]'])
  })

  test('longer than the limit are refused, and so is a body that is no form', async () => {
    const { server, client } = await connect({ limits: { fileBytes: 2000 } })
    const file = await text('a.txt', 'x'.repeat(3000))
    expect(await refusal(client.files.create({ file, purpose: 'user_data' }))).toEqual([413, 'body_too_large', null])
    expect((await server.post('/v1/files', {})).status).toBe(415)
    const headers = { 'content-type': 'multipart/form-data; boundary=x' }
    expect((await server.request('POST', '/v1/files', 'no form', headers)).status).toBe(400)
  })
})

describe('vector stores, by the official client', () => {
  test('are made, listed page by page, changed and deleted', async () => {
    const { client } = await connect()
    const made = []
    for (const name of ['a', 'b', 'c'])
      made.push(await client.vectorStores.create({ name, metadata: { of: name }, description: `the ${name}` }))
    expect(made[0]).toMatchObject({
      object: 'vector_store',
      name: 'a',
      status: 'completed',
      usage_bytes: 0,
      expires_after: null,
      expires_at: null,
      metadata: { of: 'a' },
      file_counts: { in_progress: 0, completed: 0, failed: 0, cancelled: 0, total: 0 },
    })
    const ids = made.map(({ id }) => id)
    const all: string[] = []
    for await (const { id } of client.vectorStores.list({ limit: 2, order: 'asc' })) all.push(id)
    expect(all).toEqual(ids)
    const page = async (query: object) => (await client.vectorStores.list(query)).data.map(({ id }) => id)
    expect(await page({})).toEqual(ids.toReversed())
    expect(await page({ after: ids[2], limit: 1 })).toEqual([ids[1]])
    expect(await page({ before: ids[0], limit: 1 })).toEqual([ids[1]])
    expect(await page({ before: ids[2], order: 'asc' })).toEqual([ids[0], ids[1]])
    expect(await refusal(client.vectorStores.list({ after: 'vs_x' }))).toEqual([400, 'invalid_value', 'after'])
    const [id] = ids as [string]
    const changed = await client.vectorStores.update(id, {
      name: 'A',
      metadata: null,
      expires_after: { anchor: 'last_active_at', days: 2 },
    })
    expect(changed).toMatchObject({ name: 'A', metadata: {}, expires_after: { anchor: 'last_active_at', days: 2 } })
    expect(changed.expires_at).toBe((changed.last_active_at as number) + 2 * 86_400)
    expect(await client.vectorStores.retrieve(id)).toEqual(changed)
    expect((await client.vectorStores.update(id, { expires_after: null })).expires_at).toBeNull()
    expect(await client.vectorStores.delete(id)).toEqual({ id, object: 'vector_store.deleted', deleted: true })
    for (const call of [
      () => client.vectorStores.retrieve(id),
      () => client.vectorStores.update(id, {}),
      () => client.vectorStores.delete(id),
      () => client.vectorStores.search(id, { query: 'x' }),
      () => client.vectorStores.files.list(id),
      () => client.vectorStores.files.create(id, { file_id: 'file_x' }),
      () => client.vectorStores.fileBatches.create(id, { file_ids: ['file_x'] }),
    ])
      expect(await refusal(call())).toEqual([404, 'vector_store_not_found', 'vector_store_id'])
  })

  test('are searched by words: pieces with their file, attributes and a score from 0 to 1, best first', async () => {
    const { client, store, kettle } = await filled()
    expect(store).toMatchObject({ status: 'completed', file_counts: { completed: 2, total: 2 } })
    expect(store.usage_bytes).toBe(Buffer.byteLength(WARRANTY + GARDEN))
    const { data } = await client.vectorStores.search(store.id, { query: 'How long is the warranty of the kettle?' })
    expect(data[0]).toEqual({
      file_id: kettle.id,
      filename: 'kettle.md',
      attributes: {},
      score: 1,
      content: [{ type: 'text', text: WARRANTY }],
    })
    const scores = data.map(({ score }) => score)
    expect(scores.every((score) => score >= 0 && score <= 1)).toBe(true)
    expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    const both = await client.vectorStores.search(store.id, { query: ['warranty', 'tomatoes'] })
    expect(new Set(both.data.map(({ filename }) => filename))).toEqual(new Set(['kettle.md', 'garden.txt']))
    const one = await client.vectorStores.search(store.id, { query: ['warranty', 'tomatoes'], max_num_results: 1 })
    expect(one.data).toHaveLength(1)
    const sure = { query: 'water of the kettle', ranking_options: { score_threshold: 0.99 } }
    expect((await client.vectorStores.search(store.id, sure)).data.map(({ file_id: id }) => id)).toEqual([kettle.id])
    expect((await client.vectorStores.search(store.id, { query: 'zebra' })).data).toEqual([])
  })

  test('compare meaning too where there is an embedder: a file that is completed is found without a word in common', async () => {
    const config = configSchema.parse({ port: 0, data: temporaryFolder(), logLevel: 'silent', drainTimeout: 1 })
    const embedders = [embedderSource(await loadBundle(await writeTinyEmbedder(temporaryFolder())))]
    const server = await startServer(config, { models: [fakeSource()], embedders }, fakeParts(config))
    onTestFinished(() => server.stop())
    const client = new OpenAI({ apiKey: 'k', baseURL: `${server.url}/v1`, maxRetries: 0 })
    const store = await client.vectorStores.create({})
    const file = await client.vectorStores.files.uploadAndPoll(store.id, await text('garden.txt', GARDEN))
    expect(file.status).toBe('completed')
    const { data } = await client.vectorStores.search(store.id, { query: 'xyz' })
    expect(data).toMatchObject([{ filename: 'garden.txt', score: 1 }])
    expect((await client.vectorStores.search(store.id, { query: GARDEN })).data).toMatchObject([{ score: 1 }])
  })

  test('refuse a search that asks for what is not done, by the name of the parameter', async () => {
    const { client, store } = await filled()
    const search = (body: object) => refusal(client.vectorStores.search(store.id, { query: 'water', ...body }))
    expect(await search({ query: undefined })).toEqual([400, 'missing_parameter', 'query'])
    expect(await search({ max_num_results: 51 })).toEqual([400, 'invalid_value', 'max_num_results'])
    expect(await search({ rewrite_query: true })).toEqual([400, 'unsupported_parameter', 'rewrite_query'])
    expect(await search({ filters: { type: 'like', key: 'a', value: 'b' } })).toEqual([
      400,
      'invalid_value',
      'filters.type',
    ])
    expect(await search({ filters: { type: 'and', filters: [{ type: 'eq', key: 'a' }] } })).toEqual([
      400,
      'missing_parameter',
      'filters.filters[0].value',
    ])
    expect(await search({ colour: 'red' })).toEqual([400, 'unknown_parameter', 'colour'])
    expect((await client.vectorStores.search(store.id, { query: 'water', rewrite_query: false })).data).toHaveLength(2)
  })

  test('are searched among the files whose attributes fit, also where others rank before them', async () => {
    const { client } = await connect()
    const store = await client.vectorStores.create({})
    for (let i = 0; i < 150; i++) {
      const { id } = await client.files.create({
        file: await text(`${i}.txt`, `water note ${i}`),
        purpose: 'user_data',
      })
      const attributes = { year: 2000 + i, kind: i % 2 ? 'odd' : 'even', last: i === 149 }
      await client.vectorStores.files.create(store.id, { file_id: id, attributes })
    }
    const years = async (filters: OpenAI.ComparisonFilter | OpenAI.CompoundFilter) => {
      const { data } = await client.vectorStores.search(store.id, { query: 'water note', filters, max_num_results: 50 })
      return data.map(({ attributes }) => attributes?.['year']).toSorted((a, b) => Number(a) - Number(b))
    }
    expect(await years({ type: 'eq', key: 'year', value: 2000 })).toEqual([2000])
    expect(await years({ type: 'gte', key: 'year', value: 2148 })).toEqual([2148, 2149])
    expect(await years({ type: 'lt', key: 'year', value: 2002 })).toEqual([2000, 2001])
    expect(await years({ type: 'in', key: 'year', value: [2003, 2007] })).toEqual([2003, 2007])
    expect(await years({ type: 'eq', key: 'last', value: true })).toEqual([2149])
    expect(await years({ type: 'eq', key: 'missing', value: 1 })).toEqual([])
    const odd = { type: 'eq', key: 'kind', value: 'odd' } as const
    expect(await years({ type: 'and', filters: [odd, { type: 'lt', key: 'year', value: 2004 }] })).toEqual([2001, 2003])
    const ends = [
      { type: 'eq', key: 'year', value: 2000 },
      { type: 'gt', key: 'year', value: 2148 },
    ] as const
    expect(await years({ type: 'or', filters: [...ends] })).toEqual([2000, 2149])
  })

  test('have files: put in, described, changed, read, listed and taken out', async () => {
    const { client, store, kettle, garden } = await filled()
    const where = { vector_store_id: store.id }
    const file = await client.vectorStores.files.retrieve(kettle.id, where)
    expect(file).toMatchObject({
      id: kettle.id,
      object: 'vector_store.file',
      status: 'completed',
      last_error: null,
      vector_store_id: store.id,
      usage_bytes: Buffer.byteLength(WARRANTY),
      chunking_strategy: { type: 'static', static: { max_chunk_size_tokens: 200, chunk_overlap_tokens: 40 } },
    })
    const attributes = { kind: 'manual', year: 2026 }
    expect(await client.vectorStores.files.update(kettle.id, { ...where, attributes })).toEqual({ ...file, attributes })
    const content = await client.vectorStores.files.content(kettle.id, where)
    expect(content.data).toEqual([{ type: 'text', text: WARRANTY }])
    const listed = async (query: object) =>
      (await client.vectorStores.files.list(store.id, query)).data.map(({ id }) => id)
    expect(await listed({ order: 'asc' })).toEqual([kettle.id, garden.id])
    expect(await listed({ filter: 'failed' })).toEqual([])
    expect(await client.vectorStores.files.delete(kettle.id, where)).toEqual({
      id: kettle.id,
      object: 'vector_store.file.deleted',
      deleted: true,
    })
    expect((await client.vectorStores.search(store.id, { query: 'warranty' })).data).toEqual([])
    expect(await listed({})).toEqual([garden.id])
    expect(await refusal(client.vectorStores.files.retrieve(kettle.id, where))).toEqual([
      404,
      'file_not_found',
      'file_id',
    ])
    expect((await client.files.retrieve(kettle.id)).id).toBe(kettle.id)
    const again = await client.vectorStores.files.createAndPoll(store.id, {
      file_id: kettle.id,
      chunking_strategy: { type: 'static', static: { max_chunk_size_tokens: 100, chunk_overlap_tokens: 0 } },
    })
    expect(again.chunking_strategy).toEqual({
      type: 'static',
      static: { max_chunk_size_tokens: 100, chunk_overlap_tokens: 0 },
    })
    expect(again.status).toBe('completed')
    expect(await refusal(client.vectorStores.files.create(store.id, { file_id: 'file_x' }))).toEqual([
      404,
      'file_not_found',
      'file_id',
    ])
  })

  test('have a file once, however often it is put in', async () => {
    const { client, store, kettle } = await filled()
    for (let i = 0; i < 3; i++) await client.vectorStores.files.create(store.id, { file_id: kettle.id })
    expect((await client.vectorStores.retrieve(store.id)).file_counts.total).toBe(2)
    expect((await client.vectorStores.search(store.id, { query: 'warranty' })).data).toHaveLength(1)
  })

  test('take batches of files, with attributes of their own, and say how far they are', async () => {
    const { client, kettle, garden } = await filled()
    const store = await client.vectorStores.create({})
    const batch = await client.vectorStores.fileBatches.createAndPoll(store.id, {
      files: [{ file_id: kettle.id, attributes: { a: 1 } }, { file_id: garden.id }],
    })
    expect(batch).toMatchObject({
      object: 'vector_store.files_batch',
      vector_store_id: store.id,
      status: 'completed',
      file_counts: { completed: 2, total: 2 },
    })
    const where = { vector_store_id: store.id }
    const files = await client.vectorStores.fileBatches.listFiles(batch.id, { ...where, order: 'asc' })
    expect(files.data.map(({ attributes }) => attributes)).toEqual([{ a: 1 }, {}])
    expect(await client.vectorStores.fileBatches.cancel(batch.id, where)).toEqual(batch)
    const uploaded = await client.vectorStores.fileBatches.uploadAndPoll(store.id, {
      files: [await text('one.html', '<p>One &amp; two</p><script>no()</script>'), await text('two.csv', 'a,b\n1,2')],
    })
    expect(uploaded.file_counts).toMatchObject({ completed: 2, total: 2 })
    const [found] = (await client.vectorStores.search(store.id, { query: 'one' })).data
    expect(found?.content).toEqual([{ type: 'text', text: 'One & two' }])
    const missing = client.vectorStores.fileBatches.create(store.id, { file_ids: [kettle.id, 'file_x'] })
    expect(await refusal(missing)).toEqual([404, 'file_not_found', 'file_ids[1]'])
    expect(await refusal(client.vectorStores.fileBatches.retrieve('vsfb_x', where))).toEqual([
      404,
      'file_batch_not_found',
      'batch_id',
    ])
  })

  test('are of one tenant: another one finds, lists and deletes nothing of them', async () => {
    const { clientOf, server } = await connect({ keys: ['a', 'b'] })
    const [mine, other] = [clientOf('a'), clientOf('b')]
    const file = await mine.files.create({ file: await text('kettle.md', WARRANTY), purpose: 'user_data' })
    const store = await mine.vectorStores.create({ file_ids: [file.id] })
    expect((await other.files.list()).data).toEqual([])
    expect((await other.vectorStores.list()).data).toEqual([])
    for (const call of [
      () => other.files.retrieve(file.id),
      () => other.files.content(file.id),
      () => other.files.delete(file.id),
      () => other.vectorStores.retrieve(store.id),
      () => other.vectorStores.delete(store.id),
      () => other.vectorStores.search(store.id, { query: 'warranty' }),
      () => other.vectorStores.files.retrieve(file.id, { vector_store_id: store.id }),
      () => other.vectorStores.create({ file_ids: [file.id] }),
    ])
      expect((await refusal(call()))[0]).toBe(404)
    // Nor are pieces of files memories of anybody.
    const memories = async (path: string, body?: object): Promise<string> => {
      const authorization = { authorization: 'Bearer a' }
      return (await server.request(body ? 'POST' : 'GET', path, body, authorization)).text()
    }
    expect(await memories('/v1/memories')).not.toContain('warranty')
    expect(await memories('/v1/memories/namespaces')).not.toContain(store.id)
    expect(await memories('/v1/memories/search', { query: 'warranty', namespace: store.id })).not.toContain('months')
    await server.request('DELETE', '/v1/memories?all=true', undefined, { authorization: 'Bearer a' })
    expect((await mine.vectorStores.search(store.id, { query: 'warranty' })).data).toHaveLength(1)
  })

  test('whose files were being indexed when the server was killed have them indexed at the next start, unless cancelled', async () => {
    const { client, server, kettle, garden } = await filled()
    const store = await client.vectorStores.create({})
    const where = { vector_store_id: store.id }
    const { id: batch } = await client.vectorStores.fileBatches.create(store.id, { file_ids: [garden.id] })
    // As a kill leaves them: files that are there, and not indexed.
    const cutOff = async (id: string, tag: string) => {
      const key = { kind: 'vector_store_file', parent: store.id, id } as const
      const body = { attributes: {}, chunking: { size: 100, overlap: 0 }, created: 1, error: null }
      await server.deps.store.addObject(
        'local',
        { ...key, label: 'in_progress', tag, bytes: 0, expires: null, body },
        null,
      )
    }
    await cutOff(kettle.id, '')
    await cutOff(garden.id, batch)
    expect((await client.vectorStores.retrieve(store.id)).status).toBe('in_progress')
    expect((await client.vectorStores.fileBatches.retrieve(batch, where)).status).toBe('in_progress')
    expect((await client.vectorStores.fileBatches.cancel(batch, where)).status).toBe('cancelled')
    await indexUnfinished(server.deps)
    expect((await client.vectorStores.files.poll(store.id, kettle.id)).status).toBe('completed')
    expect((await client.vectorStores.files.retrieve(garden.id, where)).status).toBe('cancelled')
    expect((await client.vectorStores.retrieve(store.id)).file_counts).toMatchObject({
      completed: 1,
      cancelled: 1,
      total: 2,
    })
    const { data } = await client.vectorStores.search(store.id, { query: ['warranty', 'tomatoes'] })
    expect(data.map(({ filename }) => filename)).toEqual(['kettle.md'])
  })

  test('whose time is over are empty, say so, and are not searched', async () => {
    const { client, server, store, garden } = await filled()
    const key = { kind: 'vector_store', parent: '', id: store.id } as const
    await server.deps.store.changeObject('local', key, { expires: 1 })
    expect(await refusal(client.vectorStores.search(store.id, { query: 'warranty' }))).toEqual([
      400,
      'vector_store_expired',
      'vector_store_id',
    ])
    expect(await server.deps.store.expireObjects()).toBe(1)
    expect(await server.deps.store.expireObjects()).toBe(0)
    expect(await client.vectorStores.retrieve(store.id)).toMatchObject({ status: 'expired', file_counts: { total: 0 } })
    expect((await client.vectorStores.files.list(store.id)).data).toEqual([])
    expect((await client.files.retrieve(garden.id)).id).toBe(garden.id)
    await server.deps.store.changeObject('local', { kind: 'file', parent: '', id: garden.id }, { expires: 1 })
    expect((await client.files.list()).data.map(({ filename }) => filename)).toEqual(['kettle.md'])
    expect(await server.deps.store.expireObjects()).toBe(1)
    expect(await refusal(client.files.retrieve(garden.id))).toEqual([404, 'file_not_found', 'file_id'])
  })

  test('and files that are deleted are in no file of the data folder', async () => {
    const folder = temporaryFolder()
    const { client } = await connect({ folder })
    const onDisk = (words: string): boolean =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(words))
    const upload = async (name: string, content: string) =>
      client.files.create({ file: await text(name, content), purpose: 'user_data' })
    const [first, second] = [
      await upload('first.txt', 'the marzipan protocol'),
      await upload('second.txt', 'zyzzyva beetles'),
    ]
    const store = await client.vectorStores.create({ file_ids: [first.id, second.id] })
    expect([onDisk('marzipan'), onDisk('zyzzyva'), onDisk('first.txt')]).toEqual([true, true, true])
    await client.files.delete(first.id)
    expect([onDisk('marzipan'), onDisk('first.txt'), onDisk('zyzzyva')]).toEqual([false, false, true])
    expect((await client.vectorStores.retrieve(store.id)).file_counts.total).toBe(1)
    await client.vectorStores.delete(store.id)
    expect((await client.files.retrieve(second.id)).filename).toBe('second.txt')
    await client.files.delete(second.id)
    expect([onDisk('zyzzyva'), onDisk('second.txt')]).toEqual([false, false])
  })
})
