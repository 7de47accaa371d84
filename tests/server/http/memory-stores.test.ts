/** Anthropic's memory stores: texts at paths, with versions. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type Json, type TestOptions } from '../../support/test-server.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

async function stores(options?: TestOptions, headers: Record<string, string> = {}) {
  const server = await startTestServer(options)
  const call = async (method: string, path: string, body?: object): Promise<Json> => {
    const answer = await server.request(method, `/v1/memory_stores${path}`, body, headers)
    return { status: answer.status, ...((await answer.json()) as Json) }
  }
  const made = await call('POST', '', { name: 'notes' })
  const write = (path: string, content: string) => call('POST', `/${made.id}/memories`, { path, content })
  return { server, call, write, store: made.id as string }
}

test('a memory store is made, described, changed, listed page by page, archived and deleted', async () => {
  const { call, store, write } = await stores()
  const metadata = { a: '1', b: '2' }
  const second = await call('POST', '', { name: 'second', description: 'of things', metadata })
  expect(second).toMatchObject({
    type: 'memory_store',
    name: 'second',
    description: 'of things',
    metadata,
    archived_at: null,
  })
  expect(second.id).toMatch(/^memstore_/)
  expect(second.created_at).toBe(new Date(second.created_at).toISOString())
  const changed = await call('POST', `/${second.id}`, { description: '', metadata: { a: null, c: '3' } })
  expect(changed).toMatchObject({ name: 'second', description: '', metadata: { b: '2', c: '3' } })
  const first = await call('GET', '?limit=1')
  expect(first.data.map(({ id }: Json) => id)).toEqual([second.id])
  expect((await call('GET', `?limit=1&page=${first.next_page}`)).data.map(({ id }: Json) => id)).toEqual([store])
  expect((await call('GET', `?created_at[gte]=2999-01-01T00:00:00Z`)).data).toEqual([])
  const archived = await call('POST', `/${store}/archive`)
  expect(archived.archived_at).not.toBeNull()
  expect((await write('/a', 'x')).error.code).toBe('memory_store_archived')
  expect((await call('GET', '')).data.map(({ id }: Json) => id)).toEqual([second.id])
  expect((await call('GET', '?include_archived=true')).data).toHaveLength(2)
  expect(await call('DELETE', `/${store}`)).toEqual({ status: 200, id: store, type: 'memory_store_deleted' })
  expect(await call('GET', `/${store}`)).toMatchObject({ status: 404, error: { type: 'not_found_error' } })
})

test('a memory has a path, a text and their hash; a write that finds another text than it expects changes nothing', async () => {
  const { call, store, write } = await stores()
  const made = await write('/notes/todo.md', 'buy tea ☕')
  expect(made).toMatchObject({
    type: 'memory',
    path: '/notes/todo.md',
    content: null,
    content_sha256: sha256('buy tea ☕'),
    content_size_bytes: Buffer.byteLength('buy tea ☕'),
    memory_store_id: store,
  })
  const at = `/${store}/memories/${made.id}`
  expect((await call('GET', at)).content).toBe('buy tea ☕')
  expect((await call('GET', `${at}?view=basic`)).content).toBeNull()
  const precondition = { type: 'content_sha256', content_sha256: sha256('something else') }
  const refused = await call('POST', at, { content: 'buy coffee', precondition })
  expect(refused).toMatchObject({ status: 409, error: { type: 'memory_precondition_failed_error' } })
  expect((await call('GET', at)).content).toBe('buy tea ☕')
  const right = { type: 'content_sha256', content_sha256: made.content_sha256 }
  const changed = await call('POST', at, { content: 'buy coffee', path: '/todo.md', precondition: right })
  expect(changed).toMatchObject({ id: made.id, path: '/todo.md', content_sha256: sha256('buy coffee') })
  expect(changed.memory_version_id).not.toBe(made.memory_version_id)
  // What is there already needs no precondition, and makes no version.
  expect(await call('POST', at, { content: 'buy coffee', precondition })).toEqual(changed)
  expect((await call('GET', `/${store}/memory_versions`)).data).toHaveLength(2)
  const gone = await call('DELETE', `${at}?expected_content_sha256=${sha256('x')}`)
  expect(gone.status).toBe(409)
  expect(await call('DELETE', `${at}?expected_content_sha256=${sha256('buy coffee')}`)).toEqual({
    status: 200,
    id: made.id,
    type: 'memory_deleted',
  })
  expect((await call('GET', at)).status).toBe(404)
})

test('no memory is at the path of another one, above it or below it', async () => {
  const { call, store, write } = await stores()
  const made = await write('/a/b', '1')
  for (const path of ['/a/b', '/a', '/a/b/c'])
    expect(await write(path, '2')).toMatchObject({
      status: 409,
      error: { type: 'memory_path_conflict_error', conflicting_memory_id: made.id, conflicting_path: '/a/b' },
    })
  const other = await write('/a/bc', '1')
  expect(other.status).toBe(200)
  expect((await call('POST', `/${store}/memories/${other.id}`, { path: '/a' })).status).toBe(409)
  for (const path of ['a', '/', '/a//b', '/a/../b', '/a/.', '/a\nb', `/${'x'.repeat(1024)}`, '/e\u0301'])
    expect(await write(path, '2')).toMatchObject({ status: 400, error: { param: 'path' } })
  expect((await write('/long', 'x'.repeat(102_401))).error.param).toBe('content')
})

test('memories are listed by path, below a prefix, and folder by folder', async () => {
  const { call, store, write } = await stores()
  for (const path of ['/b/2', '/a', '/b/1', '/b/deep/er/3', '/bc']) await write(path, path)
  const list = async (query: string) => {
    const { data } = await call('GET', `/${store}/memories${query}`)
    return data.map(({ type, path }: Json) => (type === 'memory_prefix' ? `(${path})` : path))
  }
  expect(await list('')).toEqual(['/a', '/b/1', '/b/2', '/b/deep/er/3', '/bc'])
  expect(await list('?path_prefix=/b/')).toEqual(['/b/1', '/b/2', '/b/deep/er/3'])
  expect(await list('?depth=1')).toEqual(['/a', '(/b/)', '/bc'])
  expect(await list('?path_prefix=/b/&depth=1')).toEqual(['/b/1', '/b/2', '(/b/deep/)'])
  const paths: string[] = []
  for (let page = ''; ;) {
    const { data, next_page: next } = await call('GET', `/${store}/memories?limit=2&view=full${page}`)
    for (const { path, content } of data) paths.push(`${path}=${content}`)
    if (next === null) break
    page = `&page=${next}`
  }
  expect(paths).toEqual(['/a', '/b/1', '/b/2', '/b/deep/er/3', '/bc'].map((path) => `${path}=${path}`))
})

test('versions keep what a memory was until they are redacted, or the memory is deleted', async () => {
  const folder = temporaryFolder()
  const { call, store, write } = await stores({ folder })
  const onDisk = (words: string): boolean =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .some((entry) => readFileSync(join(entry.parentPath, entry.name)).includes(words))
  const made = await write('/code', 'the marzipan code')
  const at = `/${store}/memories/${made.id}`
  await call('POST', at, { content: 'the nougat code' })
  const versions = async (query = '') => (await call('GET', `/${store}/memory_versions?view=full${query}`)).data
  const [second, first] = await versions()
  expect([first, second].map(({ operation, content }) => [operation, content])).toEqual([
    ['created', 'the marzipan code'],
    ['modified', 'the nougat code'],
  ])
  const redact = (id: string) => call('POST', `/${store}/memory_versions/${id}/redact`)
  expect((await redact(second.id)).error.code).toBe('version_is_current')
  expect(await redact(first.id)).toMatchObject({
    operation: 'created',
    memory_id: made.id,
    content: null,
    path: null,
    content_sha256: null,
    content_size_bytes: null,
    redacted_at: expect.any(String),
  })
  expect([onDisk('marzipan'), onDisk('nougat')]).toEqual([false, true])
  await call('DELETE', at)
  expect(onDisk('nougat')).toBe(false)
  const after = await versions(`&memory_id=${made.id}`)
  expect(after.map(({ operation }: Json) => operation).toSorted()).toEqual(['created', 'deleted', 'modified'])
  expect(after.every(({ content, path }: Json) => content === null && path === null)).toBe(true)
  expect(await versions('&operation=deleted')).toHaveLength(1)
  expect((await call('GET', `/${store}/memory_versions/${second.id}`)).redacted_at).not.toBeNull()
})

test('a reply reads a memory store that its file_search names, and cites the path', async () => {
  const read: number[][] = []
  const reply = [...Buffer.from('The code is 4071.')]
  const next = (history: readonly number[]): number => {
    const at = history.lastIndexOf(258)
    if (at === history.length - 1) read.push([...history])
    return reply[history.length - 1 - at] ?? 256
  }
  const { server, store, write } = await stores({ append: true, next })
  const { id } = await write('/home/codes.md', 'Locker code: 4071.')
  const tools = [{ type: 'file_search', vector_store_ids: [store] }]
  const { json } = await server.post('/v1/responses', { model: 'fake', input: 'What is the locker code?', tools })
  expect(Buffer.from(read[0] as number[]).toString()).toContain('- /home/codes.md: Locker code: 4071.')
  expect(json.output[1].content[0].annotations).toEqual([
    { type: 'file_citation', file_id: id, filename: '/home/codes.md', index: 0 },
  ])
})

test("memory stores are of one tenant, whose key may come as Anthropic's clients send it", async () => {
  const { server, call, store, write } = await stores({ keys: ['a', 'b'] }, { 'x-api-key': 'a' })
  const made = await write('/a', '1')
  expect((await call('GET', `/${store}`)).id).toBe(store)
  const other = async (method: string, path: string, body?: object): Promise<number> =>
    (await server.request(method, `/v1/memory_stores/${store}${path}`, body, { 'x-api-key': 'b' })).status
  for (const [method, path, body] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/archive'],
    ['GET', `/memories/${made.id}`],
    ['POST', `/memories/${made.id}`, { content: 'x' }],
    ['DELETE', `/memories/${made.id}`],
    ['GET', `/memory_versions/${made.memory_version_id}`],
    ['POST', `/memory_versions/${made.memory_version_id}/redact`],
  ] as const)
    expect([method, path, await other(method, path, body)]).toEqual([method, path, 404])
})
