/** Memories in PostgreSQL: the contract of any store of memories, and what holds between it and the data folder. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Receipt } from '../../../server/store/erase-calls.ts'
import type { Memory } from '../../../server/store/memory-calls.ts'
import { startStore } from '../../../server/store/start.ts'
import { withPostgres } from '../../../server/store/postgres/with-postgres.ts'
import type { Store, TurnRecord as Turn } from '../../../server/store/store.ts'
import { findPostgres, startPostgres, type TestPostgres } from '../../support/postgres.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { startTestServer, type Json } from '../../support/test-server.ts'
import { childOf, OWNER, stateOf, turnRecord } from '../../support/turns.ts'
import { memory, memoryContract } from './memory-contract.ts'

const bin = findPostgres()

async function openStore(url: string, folder = temporaryFolder()): Promise<Store> {
  const settings = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0, memoriesElsewhere: true }
  const store = withPostgres(startStore({ folder, ...settings }), url)
  await store.ready
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => (closing ??= store.close())
  onTestFinished(close)
  return { ...store, close }
}

const toldIn = (id: string, response: string, text: string, user: string | null = null): Memory =>
  memory(id, text, { user, source: { response, conversation: response, start: 0, end: text.length } })

describe.skipIf(bin === null)('PostgreSQL', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres(bin!)
  })
  afterAll(() => postgres.stop())

  test('what a turn told is there once it is stored, and what read it is known to a deletion', async () => {
    const [url, folder] = [await postgres.database(), temporaryFolder()]
    const store = await openStore(url, folder)
    const [first, second, third] = ['r1', 'r2', 'r3'].map((id) => turnRecord(id, { root: id })) as [Turn, Turn, Turn]
    const told = [{ namespace: 'default', user: null, ends: [], memory: toldIn('m1', 'r1', 'My code is zyzzyva.') }]
    await store.put(first, stateOf('r1'), { told })
    await store.put(second, stateOf('r2'), { read: ['m1'] })
    await store.put(third, stateOf('r3'))
    expect(await store.findMemory(OWNER, 'm1')).toMatchObject({ text: 'My code is zyzzyva.', ended: null })
    expect(await store.findMemory('other', 'm1')).toBeNull()
    expect((await store.statistics()).memoryStore).toEqual({ kind: 'postgresql', pending: 0, reachable: true })
    const options = { source: false, cascade: false, force: false }
    expect(await store.erase('other', { kind: 'memory', id: 'm1' }, options)).toBe('unknown')
    const receipt = (await store.erase(OWNER, { kind: 'memory', id: 'm1' }, options)) as Receipt
    expect(receipt).toMatchObject({ memories: ['m1'], responses: [], repeatedBy: ['r2'], sources: ['r1'] })
    expect(receipt.index).toEqual({ words: 4, vectors: 0, history: 1, uses: 1 })
    expect(await store.findMemory(OWNER, 'm1')).toBeNull()
    expect(await store.erase(OWNER, { kind: 'memory', id: 'm1' }, options)).toBe('unknown')
    for (const table of ['mneme_memory', 'mneme_word', 'mneme_event', 'mneme_use'])
      expect(await postgres.query(url, `SELECT * FROM ${table}`)).toEqual([])
    // A turn that was being made with it is refused.
    await expect(store.put(turnRecord('r4'), stateOf('r4'), { read: ['m1'] })).rejects.toMatchObject({
      reason: 'erased',
    })
  })

  test('source and cascade take the turns with it, and no file of the data folder has what was deleted', async () => {
    const [url, folder] = [await postgres.database(), temporaryFolder()]
    const store = await openStore(url, folder)
    const told = [
      { namespace: 'default', user: 'ann', ends: [], memory: toldIn('m1', 'r1', 'My code is zyzzyva.', 'ann') },
    ]
    const document = JSON.stringify({ said: 'My code is zyzzyva.' })
    await store.put(turnRecord('r1', { document }), stateOf('r1'), { told })
    await store.put(childOf(turnRecord('r1'), 'r2'), stateOf('r2'))
    await store.put(turnRecord('r3', { document }), stateOf('r3'), { read: ['m1'] })
    await store.put(turnRecord('r4'), stateOf('r4'))
    const target = { kind: 'memories', filter: { namespace: null, user: 'ann' } } as const
    const receipt = (await store.erase(OWNER, target, { source: true, cascade: true, force: true })) as Receipt
    expect(receipt.memories).toEqual(['m1'])
    expect(receipt.responses.toSorted()).toEqual(['r1', 'r2', 'r3'])
    expect(await store.find(OWNER, 'r4')).not.toBeNull()
    for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file)).includes('zyzzyva')).toBe(false)
  })

  test('deleting a turn takes what was told in it', async () => {
    const store = await openStore(await postgres.database())
    const told = [{ namespace: 'default', user: null, ends: [], memory: toldIn('m1', 'r1', 'My code is zyzzyva.') }]
    await store.put(turnRecord('r1'), stateOf('r1'), { told })
    const options = { source: false, cascade: false, force: true }
    expect(await store.erase(OWNER, { kind: 'response', id: 'r1' }, options)).toMatchObject({
      memories: ['m1'],
      responses: ['r1'],
    })
    expect(await store.findMemory(OWNER, 'm1')).toBeNull()
    expect(await store.erase(OWNER, { kind: 'response', id: 'r1' }, options)).toBe('unknown')
  })

  test('the memories of one data folder are not those of another', async () => {
    const url = await postgres.database()
    await openStore(url)
    await expect(openStore(url)).rejects.toThrow(/expected a database that is empty or has the memories of this data/)
  })

  memoryContract('PostgreSQL with pgvector', async () => openStore(await postgres.database()), 2)
})

describe.skipIf(bin === null)('PostgreSQL that cannot be reached', () => {
  let postgres: TestPostgres
  beforeAll(async () => {
    postgres = await startPostgres(bin!)
  })
  afterAll(() => postgres.stop())

  test('what turns told and what was deleted meanwhile is there when it can be reached again, also after a restart', async () => {
    const [url, folder] = [await postgres.database(), temporaryFolder()]
    const store = await openStore(url, folder)
    const told = (id: string) => [
      { namespace: 'default', user: null, ends: [], memory: toldIn(id, id, `Told in ${id}.`) },
    ]
    await store.put(turnRecord('r1'), stateOf('r1'), { told: told('r1') })
    await store.findMemory(OWNER, 'r1')
    await postgres.kill()
    await store.put(turnRecord('r2'), stateOf('r2'), { told: told('r2') })
    for (const call of [
      () => store.findMemory(OWNER, 'r2'),
      () => store.addMemory(OWNER, memory('m', 'x'), null),
      () => store.erase(OWNER, { kind: 'memory', id: 'r1' }, { source: false, cascade: false, force: false }),
    ])
      await expect(call()).rejects.toMatchObject({ reason: 'away' })
    expect((await store.statistics()).memoryStore).toEqual({ kind: 'postgresql', pending: 1, reachable: false })
    await store.close()
    const again = await openStore(url, folder)
    expect((await again.ready).join()).toMatch(/Turns go on without memories/)
    // Deleted in the data folder, where the process ended before PostgreSQL had it.
    await again.eraseTurns(OWNER, { memories: ['r1'], responses: ['r1'] }, { forever: false, force: true })
    await again.close()
    await postgres.start()
    const third = await openStore(url, folder)
    expect(await third.findMemory(OWNER, 'r1')).toBeNull()
    expect((await third.findMemory(OWNER, 'r2'))?.text).toBe('Told in r2.')
    expect((await third.statistics()).memoryStore).toEqual({ kind: 'postgresql', pending: 0, reachable: true })
  })

  test('turns go on without memories and say so, memories are answered 503; afterwards both are as before', async () => {
    const server = await startTestServer({ memoryStore: await postgres.database(), memories: 'on', verify: 'annotate' })
    const respond = async (input: string): Promise<Json> => {
      const { status, json } = await server.post('/v1/responses', { model: 'fake', input, max_output_tokens: 4 })
      expect([status, json.error]).toEqual([200, null])
      return json.usage.mneme.memory
    }
    const code = 'My locker code is 4071.'
    expect(await respond(code)).toMatchObject({ writes: true })
    expect(await respond('What is my locker code?')).toMatchObject({ gates: { semantic: { open: true } } })
    // Which memory that reply has read is there, too.
    await server.post('/v1/memories/search', { query: 'code' })
    await postgres.kill()
    expect(await respond('My bike code is 1234.')).toMatchObject({ writes: false, written: [], unavailable: true })
    const refused = await server.post('/v1/memories/search', { query: 'code' })
    expect([refused.status, refused.json.error.code]).toEqual([503, 'memory_store_unavailable'])
    const { memoryStore } = (await (await server.request('GET', '/version')).json()) as Json
    expect(memoryStore).toEqual({ kind: 'postgresql', pending: 0, reachable: false })
    await postgres.start()
    await expect.poll(async () => (await server.post('/v1/memories/search', { query: 'code' })).status).toBe(200)
    const [{ id }] = ((await (await server.request('GET', '/v1/memories')).json()) as Json).data
    const { receipt } = (await (await server.request('DELETE', `/v1/memories/${id}?cascade=true`)).json()) as Json
    expect(receipt).toMatchObject({ memory_store: 'postgresql', memories: [id] })
    await server.post('/v1/memories', { text: code })
    const usage = await respond('What is my locker code?')
    expect(usage).toMatchObject({ gates: { semantic: { open: true } } })
    expect(usage.unavailable).toBeUndefined()
  })
})
