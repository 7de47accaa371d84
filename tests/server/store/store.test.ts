import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { PAGE_POSITIONS, type SessionState } from '../../../server/checkpoint.ts'
import type { Receipt } from '../../../server/store/erase-calls.ts'
import { StoreError } from '../../../server/store/errors.ts'
import type { StoreOptions } from '../../../server/store/messages.ts'
import { startStore } from '../../../server/store/start.ts'
import type { Damage, TurnRecord } from '../../../server/store/store.ts'
import { removeMemories, removeTurn } from '../../support/erasing.ts'
import { editDatabase, readRow } from '../../support/edit-database.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { childOf, OWNER, pagedState, stateOf, turnRecord } from '../../support/turns.ts'
import { folderOfFormat } from '../../support/data-formats.ts'
import { disagreements } from '../../support/folder-check.ts'
import { prefixRecord, stateAfter, tokenRun } from '../../support/prefixes.ts'
import { storeContract } from './contract.ts'
import { memory, memoryContract } from './memory-contract.ts'
import { prefixContract } from './prefix-contract.ts'

const start = (folder: string, changes: Partial<StoreOptions> = {}) =>
  startStore({
    folder,
    keepStates: 8,
    replayTokens: 2048,
    stateBytes: Infinity,
    prefixBytes: 1024 * 1024,
    ...changes,
  })

storeContract('a data folder in a thread of its own', async (settings) => {
  const store = start(temporaryFolder(), settings)
  await store.ready
  return store
})

prefixContract('a data folder in a thread of its own', async (prefixBytes) => {
  const store = start(temporaryFolder(), { prefixBytes })
  await store.ready
  return store
})

memoryContract('a data folder in a thread of its own', async () => {
  const store = start(temporaryFolder())
  await store.ready
  return store
})

memoryContract('a data folder with indexes of vectors', async () => {
  const store = start(temporaryFolder(), { vectorIndex: { threshold: 1, pauseMs: 1 } })
  await store.ready
  return store
})

describe('memories in a data folder', () => {
  const vector = { embedder: 'e', vector: Float32Array.of(0.123_456_7, 0.765_432_1) }
  const withMemory = async () => {
    const folder = temporaryFolder()
    const store = start(folder)
    await store.addMemory(
      OWNER,
      memory('m1', 'My locker code is 4071', { metadata: { kind: 'code-of-locker' } }),
      vector,
    )
    await store.addMemory(OWNER, memory('m2', 'My cat is called Minka'), vector)
    return { folder, store }
  }
  const place = { namespace: 'default', user: null, metadata: {}, topics: [], ended: false }
  const search = { ...place, text: 'locker cat', made: vector, limit: 10 }

  test('they are there after the store was opened again', async () => {
    const { folder, store } = await withMemory()
    const before = await store.searchMemories(OWNER, search)
    await store.close()
    const again = start(folder)
    expect(await again.searchMemories(OWNER, search)).toEqual(before)
    await again.close()
  })

  test('what was deleted is in no file of the folder, nor are its words, its vector and its history', async () => {
    const { folder, store } = await withMemory()
    const change = { text: 'My locker code is 9318', metadata: {}, expires: null, updated: 2 }
    await store.changeMemory(OWNER, 'm1', change, { embedder: 'e', vector: Float32Array.of(0.111_222_3, 0.5) })
    await removeMemories(store, OWNER, 'm1')
    const numbers = [vector.vector, Float32Array.of(0.111_222_3)].map(({ buffer }) => Buffer.from(buffer, 0, 4))
    const traces = ['4071', '9318', 'locker', 'code-of-locker'].map((text) => Buffer.from(text))
    const bytes = Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))))
    expect([...traces, numbers[1]!].filter((trace) => bytes.includes(trace))).toEqual([])
    // Of the other one everything is there.
    expect(['Minka', 'minka'].map((text) => bytes.includes(text))).toEqual([true, true])
    expect(bytes.includes(numbers[0]!)).toBe(true)
    await store.close()
  })

  test.each([
    ['text', "UPDATE memory SET text = ? WHERE id = 'm1'", Buffer.from('My locker code is 4072')],
    ['vector', "UPDATE memory SET vector = ? WHERE id = 'm1'", Buffer.alloc(8, 1)],
    ['user', "UPDATE memory SET user_id = ? WHERE id = 'm1'", 'other'],
    ['text that is not UTF-8', "UPDATE memory SET text = ? WHERE id = 'm1'", Buffer.from([0xff, 0xfe])],
  ] as const)(
    'a changed %s is found out and told; the others are found, and it can be deleted',
    async (_, sql, value) => {
      const { folder, store } = await withMemory()
      await store.close()
      editDatabase(folder, sql, value)
      const again = start(folder)
      const damage: Damage[] = []
      again.onDamage((one) => damage.push(one))
      expect((await again.searchMemories(OWNER, search)).map((hit) => hit.memory.id)).toEqual(['m2'])
      await expect(again.findMemory(OWNER, 'm1')).rejects.toThrow(StoreError)
      expect(damage[0]).toEqual({ what: 'memory', id: 'm1' })
      expect(await removeMemories(again, OWNER, 'm1')).toBe(1)
      expect(await again.memoryNamespaces(OWNER)).toEqual([{ namespace: 'default', memories: 1 }])
      await again.close()
      expect(disagreements(folder)).toEqual([])
    },
  )
})

describe('prefixes in a data folder', () => {
  const key = tokenRun(200)
  const withPrefix = async (sql: string, value?: string | number | Buffer) => {
    const folder = temporaryFolder()
    const store = start(folder)
    await store.putPrefix(OWNER, 'b', prefixRecord(key), stateAfter(key), null)
    await store.close()
    editDatabase(folder, sql, value)
    const again = start(folder)
    await again.ready
    return { folder, store: again }
  }

  test.each([
    ['fixed', Buffer.alloc(64)],
    ['tail', Buffer.alloc(32)],
    ['page', Buffer.alloc(32)],
    ['position', 199],
    ['calls', Buffer.alloc(8)],
    ['tokens', Buffer.alloc(800)],
    ['reply', 1],
    ['owner', OWNER.toUpperCase()],
  ])('of which %s is not what was written are not used', async (column, value) => {
    const { store } = await withPrefix(`UPDATE prefix SET ${column} = ?`, value)
    expect(await store.findPrefix(OWNER, 'b', [...key, 1], 0)).toBeNull()
    await store.close()
  })

  test('whose page is damaged are not used', async () => {
    const { store } = await withPrefix('UPDATE prefix_page SET bytes = zeroblob(length(bytes)) WHERE previous IS NULL')
    expect(await store.findPrefix(OWNER, 'b', [...key, 1], 0)).toBeNull()
    await store.close()
  })

  test.each([
    ['fixed part', 'UPDATE prefix SET fixed = zeroblob(64)'],
    ['first page', 'UPDATE prefix_page SET bytes = zeroblob(length(bytes)) WHERE previous IS NULL'],
  ])('whose %s is damaged are told, and whole again once they are put again', async (_, sql) => {
    const { store } = await withPrefix(sql)
    const damages: Damage[] = []
    store.onDamage((damage) => damages.push(damage))
    for (let i = 0; i < 2; i++) expect(await store.findPrefix(OWNER, 'b', [...key, 1], 0)).toBeNull()
    expect(damages).toEqual([{ what: 'prefix', id: null }])
    const { prefixBytes } = await store.statistics()
    await store.putPrefix(OWNER, 'b', prefixRecord(key), stateAfter(key), null)
    expect((await store.findPrefix(OWNER, 'b', [...key, 1], 0))?.state).toEqual(stateAfter(key))
    expect(await store.statistics()).toMatchObject({ prefixes: 1, prefixBytes })
    await store.close()
  })

  test('that nobody has used for a day are not found, and no file holds them any more', async () => {
    const day = 24 * 60 * 60 * 1000
    const { store, folder } = await withPrefix('UPDATE prefix SET used = ?', Date.now() - day - 1000)
    expect(await store.findPrefix(OWNER, 'b', [...key, 1], 0)).toBeNull()
    expect(await store.statistics()).toMatchObject({ prefixes: 0, prefixBytes: 0 })
    const bytes = Buffer.from(stateAfter(key).fixed)
    for (const file of readdirSync(folder)) expect(readFileSync(join(folder, file)).includes(bytes)).toBe(false)
    await store.close()
  })

  test('that are still young stay', async () => {
    const hours = 23 * 60 * 60 * 1000
    const { store } = await withPrefix('UPDATE prefix SET used = ?', Date.now() - hours)
    expect((await store.findPrefix(OWNER, 'b', [...key, 1], 0))?.state).toEqual(stateAfter(key))
    await store.close()
  })

  test('are overwritten on disk when their owner deletes them', async () => {
    const folder = temporaryFolder()
    const store = start(folder)
    await store.putPrefix(OWNER, 'b', prefixRecord(key), stateAfter(key), null)
    const holding = (): string[] => {
      const bytes = Buffer.from(stateAfter(key).fixed)
      return readdirSync(folder).filter((file) => readFileSync(join(folder, file)).includes(bytes))
    }
    expect(holding()).not.toEqual([])
    expect(await store.clearPrefixes(OWNER)).toBe(1)
    expect(holding()).toEqual([])
    await store.close()
  })
})

describe('a data folder', () => {
  test('writes ahead, waits for the disk, and is readable by its user only', async () => {
    const folder = join(temporaryFolder(), 'data')
    const store = start(folder)
    await store.put(turnRecord('a'), stateOf('a'))
    expect(await store.statistics()).toMatchObject({ journal: 'wal', synchronous: 'full' })
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    for (const file of readdirSync(folder))
      expect([file, statSync(join(folder, file)).mode & 0o777]).toEqual([file, 0o600])
    await store.close()
  })

  test('of an earlier version that others could read is closed to them', async () => {
    const folder = temporaryFolder()
    const store = start(folder)
    await store.put(turnRecord('a'), stateOf('a'))
    await store.close()
    chmodSync(join(folder, 'mneme.db'), 0o644)
    const again = start(folder)
    await again.ready
    expect(statSync(join(folder, 'mneme.db')).mode & 0o777).toBe(0o600)
    await again.close()
  })

  test('is for one process at a time, and free again once it is closed', async () => {
    const folder = temporaryFolder()
    const first = start(folder)
    await first.ready
    const second = start(folder)
    await expect(second.ready).rejects.toThrow(/in use by another mneme process.*--data/)
    await first.close()
    const third = start(folder)
    await third.ready
    await third.close()
  })

  test('is for one process also after every other file in it is removed', async () => {
    const folder = temporaryFolder()
    const first = start(folder)
    await first.put(turnRecord('a'), stateOf('a'))
    for (const file of readdirSync(folder)) if (!/^mneme\.db(-wal)?$/.test(file)) rmSync(join(folder, file))
    await expect(start(folder).ready).rejects.toThrow(/in use by another mneme process/)
    await first.close()
  })

  test('that cannot be used is refused in one sentence', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    await expect(start(join(file, 'data')).ready).rejects.toThrow(/data: expected a usable data folder, got: .*--data/)
  })

  test('of a later format is refused', async () => {
    const folder = temporaryFolder()
    const store = start(folder)
    await store.ready
    await store.close()
    editDatabase(folder, 'PRAGMA user_version = 99')
    await expect(start(folder).ready).rejects.toThrow(/expected data of format 7 or earlier, got format 99/)
  })

  test('gives up what is deleted: no file holds it any more', async () => {
    const folder = temporaryFolder()
    const store = start(folder)
    const secret = 'a-secret-that-must-go'
    const state: SessionState = { fixed: Uint8Array.from(Buffer.from(secret)), pages: [], firstPage: 0 }
    await store.put(turnRecord('a', { document: JSON.stringify({ secret }) }), state)
    const holding = () =>
      readdirSync(folder).filter((file) => readFileSync(join(folder, file)).includes(Buffer.from(secret)))
    expect(holding()).not.toEqual([])
    expect(await removeTurn(store, OWNER, 'a', false)).toBe('removed')
    expect(holding()).toEqual([])
    await store.close()
  })

  test('whose limit is reached fails the turn that does not fit, keeps the others, and is over when there is room', async () => {
    const folder = temporaryFolder()
    const store = start(folder, { maxPages: 64 })
    const large = (): SessionState => ({ fixed: new Uint8Array(400_000), pages: [], firstPage: 0 })
    const results = await Promise.allSettled([
      store.put(turnRecord('small'), stateOf('small')),
      store.put(turnRecord('large'), large()),
      store.put(turnRecord('another'), stateOf('another')),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { name: 'StoreError', reason: 'full' } })
    expect(await store.find(OWNER, 'large')).toBeNull()
    expect((await store.find(OWNER, 'another'))?.kept).toBe(true)
    await store.close()
    const roomy = start(folder)
    await roomy.put(turnRecord('large'), large())
    expect((await roomy.find(OWNER, 'large'))?.kept).toBe(true)
    expect((await roomy.find(OWNER, 'small'))?.kept).toBe(true)
    await roomy.close()
  })
})

describe('damage in a data folder', () => {
  let healthy: string
  beforeAll(async () => {
    healthy = mkdtempSync(join(tmpdir(), 'mneme-'))
    const store = start(healthy, { keepStates: 1 })
    const first = turnRecord('t0', { document: '{"text":"hello"}' })
    const turns = [first, childOf(first, 't1')]
    turns.push(childOf(turns[1] as typeof first, 't2'))
    for (const turn of turns) await store.put(turn, stateOf(turn.id))
    await store.close()
    return () => rmSync(healthy, { recursive: true })
  })
  const damaged = async (sql: string, value?: string | number | Buffer) => {
    const folder = temporaryFolder()
    cpSync(healthy, folder, { recursive: true })
    editDatabase(folder, sql, value)
    const again = start(folder, { keepStates: 1 })
    await again.ready
    return { folder, store: again }
  }

  test.each([
    ['prompt', Buffer.from([9, 0, 0, 0, 2, 0, 0, 0])],
    ['generated', Buffer.from([9, 0, 0, 0, 4, 0, 0, 0])],
    ['pending', Buffer.from([9, 0, 0, 0])],
    ['position', 4],
    ['chunk', 63],
    ['document', Buffer.from('{"text":"hallo"}')],
    ['document', Buffer.from([0x7b, 0xff, 0x7d])],
    ['depth', Buffer.from([0xff, 0xfe])],
    ['bundle', Buffer.from([0xff])],
  ])(
    'a turn of which %s is not what was written is told, nothing is rebuilt from it, and it can be deleted',
    async (column, value) => {
      const { store } = await damaged(`UPDATE response SET ${column} = ? WHERE id = 't1'`, value)
      const damages: Damage[] = []
      store.onDamage((damage) => damages.push(damage))
      await expect(store.find(OWNER, 't1')).rejects.toMatchObject({ name: 'StoreError', reason: 'corrupt' })
      await expect(store.load('t1')).rejects.toMatchObject({ reason: 'corrupt' })
      expect(damages[0]).toEqual({ what: 'turn', id: 't1' })
      expect(await store.find('another', 't1')).toBeNull()
      await expect(store.lineage('t2')).rejects.toMatchObject({ reason: 'corrupt' })
      expect((await store.find(OWNER, 't0'))?.record.document).toBe('{"text":"hello"}')
      expect(await removeTurn(store, OWNER, 't1', true)).toBe('removed')
      await store.close()
    },
  )

  test.each([
    ['the bytes of a page', 'UPDATE page SET bytes = zeroblob(length(bytes)) WHERE previous IS NULL'],
    ['a byte more in a page', "UPDATE page SET bytes = bytes || x'00' WHERE previous IS NULL"],
    ['the link of a page', 'UPDATE page SET previous = zeroblob(32) WHERE previous IS NOT NULL'],
    ['a page that is gone', 'DELETE FROM page WHERE previous IS NULL'],
  ])('%s: the state is not used, told, and whole again once it is put back', async (_, sql) => {
    const folder = temporaryFolder()
    const before = start(folder)
    const root = turnRecord('root', { position: 3 * PAGE_POSITIONS + 5 })
    const child = childOf(root, 'child', 2 * PAGE_POSITIONS)
    await before.put(root, pagedState([root]))
    await before.load('root')
    await before.put(child, pagedState([root, child], 3))
    await before.close()
    editDatabase(folder, sql)
    const store = start(folder)
    const damages: Damage[] = []
    store.onDamage((damage) => damages.push(damage))
    for (const id of ['root', 'child']) await expect(store.load(id)).rejects.toMatchObject({ reason: 'corrupt' })
    expect(damages).toEqual([
      { what: 'state', id: 'root' },
      { what: 'state', id: 'child' },
    ])
    expect(await store.restore('child', pagedState([root, child]), 'followed')).toBe('identical')
    for (const path of [[root], [root, child]])
      expect(await store.load((path.at(-1) as TurnRecord).id)).toEqual(pagedState(path))
    expect(damages).toHaveLength(2)
    // Nothing of it stays behind either.
    for (const id of ['child', 'root']) expect(await removeTurn(store, OWNER, id, true)).toBe('removed')
    expect(await store.statistics()).toMatchObject({ states: 0 })
    await store.close()
    expect(readRow(folder, 'SELECT count(*) AS pages FROM page')).toMatchObject({ pages: 0 })
  })

  test('a damaged state before the one that is rebuilt is told, and named in the lineage', async () => {
    const { store } = await damaged("UPDATE state SET fixed = zeroblob(64) WHERE id = 't2'")
    const damages: Damage[] = []
    store.onDamage((damage) => damages.push(damage))
    await store.put(childOf(turnRecord('t2', { root: 't0', depth: 2, position: 9 }), 't3'), null)
    expect(await store.lineage('t3')).toMatchObject({ damaged: ['t2'] })
    expect(damages).toEqual([{ what: 'state', id: 't2' }])
    await store.close()
  })

  test('text that is not UTF-8, read as text, does not end the process', async () => {
    // As SQLite's own tools would leave it: a TEXT value with a byte that no UTF-8 has.
    const { store } = await damaged(
      "UPDATE response SET document = CAST(x'7bff7d' AS TEXT), model = CAST(x'ff' AS TEXT) WHERE id = 't1'",
    )
    await expect(store.find(OWNER, 't1')).rejects.toMatchObject({ reason: 'corrupt' })
    expect(await removeTurn(store, OWNER, 't1', true)).toBe('removed')
    await store.close()
  })

  test.each([
    ['a state', "UPDATE state SET fixed = zeroblob(64) WHERE id = 't2'"],
    ['a hash', "UPDATE state SET sha256 = zeroblob(32) WHERE id = 't2'"],
  ])('%s that is not what was written is told, and serves no replay', async (_, sql) => {
    const { store } = await damaged(sql)
    await expect(store.load('t2')).rejects.toMatchObject({ reason: 'corrupt' })
    expect((await store.find(OWNER, 't2'))?.record.id).toBe('t2')
    await store.put(childOf(turnRecord('t2', { root: 't0', depth: 2, position: 9 }), 't3'), stateOf('t3'))
    expect((await store.lineage('t3'))?.turns.map(({ id }) => id)).toContain('t2')
    await store.close()
  })

  test('bytes flipped anywhere in the files never end the process', async () => {
    const folder = temporaryFolder()
    const store = start(folder)
    for (let i = 0; i < 8; i++)
      await store.put(turnRecord(`t${i}`, { document: `{"n":"${'x'.repeat(50 * i)}"}` }), stateOf(`t${i}`))
    await store.close()
    const original = readFileSync(join(folder, 'mneme.db'))
    let seed = 1
    const random = (below: number): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % below
    for (let round = 0; round < 25; round++) {
      const bytes = Buffer.from(original)
      for (let i = 0; i < 30; i++) bytes[random(bytes.length)] = random(256)
      writeFileSync(join(folder, 'mneme.db'), bytes)
      const hurt = start(folder)
      const opened = await hurt.ready.then(
        () => true,
        (error: unknown) => {
          expect(error).toBeInstanceOf(StoreError)
          return false
        },
      )
      if (!opened) continue
      for (let i = 0; i < 8; i++) {
        for (const call of [
          hurt.find(OWNER, `t${i}`),
          hurt.load(`t${i}`),
          hurt.lineage(`t${i}`),
          removeTurn(hurt, OWNER, `t${i}`, true),
        ])
          await call.catch((error: unknown) => expect(error).toBeInstanceOf(StoreError))
      }
      await hurt.close().catch(() => undefined)
      rmSync(join(folder, 'mneme.db-wal'), { force: true })
    }
  })
})

describe('files that are taken away', () => {
  test.each(['mneme.db', 'mneme.db-wal'])(
    '%s removed under the store: nothing is acknowledged any more',
    async (file) => {
      const folder = temporaryFolder()
      const store = start(folder)
      await store.put(turnRecord('a'), stateOf('a'))
      rmSync(join(folder, file))
      await expect(store.put(turnRecord('b'), stateOf('b'))).rejects.toMatchObject({ reason: 'gone' })
      expect(await store.broken).toMatch(new RegExp(`${file} was removed or replaced`))
      await expect(store.put(turnRecord('c'), stateOf('c'))).rejects.toMatchObject({ reason: 'gone' })
      await store.close()
    },
  )

  test('a database that was replaced by another is not written', async () => {
    const folder = temporaryFolder()
    const store = start(folder)
    await store.put(turnRecord('a'), stateOf('a'))
    renameSync(join(folder, 'mneme.db'), join(folder, 'moved'))
    writeFileSync(join(folder, 'mneme.db'), '')
    await expect(store.put(turnRecord('b'), stateOf('b'))).rejects.toMatchObject({ reason: 'gone' })
    await store.close()
  })

  const used = async (): Promise<string> => {
    const folder = temporaryFolder()
    const store = start(folder)
    for (let i = 0; i < 3; i++) await store.put(turnRecord(`t${i}`), stateOf(`t${i}`))
    await store.close()
    return folder
  }
  test.each<[string, (path: string) => void]>([
    ['missing', (path) => rmSync(path)],
    ['empty', (path) => writeFileSync(path, '')],
    ['cut', (path) => truncateSync(path, 8192)],
  ])('a database that is %s at the start is told, and left alone', async (_, damage) => {
    const folder = await used()
    damage(join(folder, 'mneme.db'))
    const before = existsSync(join(folder, 'mneme.db')) ? statSync(join(folder, 'mneme.db')).size : null
    await expect(start(folder).ready).rejects.toThrow(/mneme\.db: expected .* got .*backup/)
    expect(existsSync(join(folder, 'mneme.db')) ? statSync(join(folder, 'mneme.db')).size : null).toBe(before)
  })

  test.each<[string, (path: string) => void, RegExp]>([
    [
      'missing',
      (path) => rmSync(path, { force: true }),
      /mneme\.db-wal is missing although the server was not stopped/,
    ],
    ['empty', (path) => writeFileSync(path, ''), /mneme\.db-wal is empty although/],
    ['cut', (path) => writeFileSync(path, Buffer.alloc(5000, 1)), /mneme\.db-wal ends in the middle of a write/],
  ])('a log that is %s after a crash is told', async (_, damage, expected) => {
    const folder = await used()
    // What a killed server leaves: the marker says that the folder is in use.
    writeFileSync(join(folder, 'mneme.json'), '{"format":"mneme-data","closed":false}')
    damage(join(folder, 'mneme.db-wal'))
    const store = start(folder)
    expect(await store.ready).toEqual([expect.stringMatching(expected)])
    expect((await store.find(OWNER, 't2'))?.kept).toBe(true)
    await store.close()
    const again = start(folder)
    expect(await again.ready).toEqual([])
    await again.close()
  })
})

describe.each([1, 2, 3, 4, 5, 6])('a data folder of format %i', (format) => {
  test('opens, after kill -9 too, with every turn and state, and takes new ones', async () => {
    const { folder, turns } = folderOfFormat(format)
    const store = start(folder)
    expect(await store.ready).toEqual([])
    for (const { id, previous, text } of turns) {
      const found = await store.find('local', id)
      expect(found?.record.parent).toBe(previous)
      expect(found?.record.document).toContain(JSON.stringify(text))
      expect(await store.lineage(id)).not.toBeNull()
    }
    expect(await store.statistics()).toMatchObject({ responses: turns.length, sessions: 2, prefixes: 0 })
    for (const { id } of turns) await store.load(id)
    for (const { id } of turns) await store.release(id)
    const last = (await store.find('local', turns[5]?.id as string))?.record
    await store.put(childOf({ ...turnRecord(''), ...last }, 'new'), stateOf('new'))
    await store.close()
    const again = start(folder)
    expect(await again.ready).toEqual([])
    expect(await again.load('new')).toEqual(stateOf('new'))
    await again.release('new')
    await again.putPrefix('local', 'b', prefixRecord([1, 2, 3]), stateAfter([1, 2, 3]), null)
    expect(await again.findPrefix('local', 'b', [1, 2, 3, 4], 0)).not.toBeNull()
    await again.close()
    // Bytes are counted by owner since format 4, also those of earlier states: with a small budget they go.
    const small = start(folder, { stateBytes: 1 })
    await small.put(turnRecord('last', { owner: 'local' }), stateOf('last'))
    expect(await small.statistics()).toMatchObject({ states: 1, stateBytes: 64 })
    await small.close()
    expect(disagreements(folder)).toEqual([])
  })
})

test('a data folder of format 5 opens with its memories, and takes those that are told in turns', async () => {
  const { folder } = folderOfFormat(5)
  const store = start(folder)
  expect(await store.ready).toEqual([])
  const page = { namespace: null, user: null, limit: 10, after: null, order: 'asc' } as const
  const texts = async () => (await store.listMemories('local', page)).map(({ text }) => text)
  expect(await texts()).toEqual(['My locker code is 4071.', 'My cat is called Minka.'])
  const fact = { subject: 'user', attribute: 'cat', value: 'Tiger' }
  const source = { response: 'told', conversation: 'told', start: 0, end: 13 }
  const told = memory('mem_told', 'My cat: Tiger', { source, fact })
  const ends: string[] = []
  const record = turnRecord('told', { owner: 'local' })
  await store.put(record, null, { told: [{ namespace: 'default', user: null, ends, memory: told }] })
  expect(await texts()).toEqual(['My locker code is 4071.', 'My cat is called Minka.', 'My cat: Tiger'])
  await removeTurn(store, 'local', 'told', false)
  expect(await texts()).toHaveLength(2)
  await store.close()
  expect(disagreements(folder)).toEqual([])
})

test('a data folder of format 6 opens knowing which replies read which memories', async () => {
  const { folder, turns } = folderOfFormat(6)
  const store = start(folder)
  expect(await store.ready).toEqual([])
  const page = { namespace: null, user: null, limit: 10, after: null, order: 'asc' } as const
  const [first] = await store.listMemories('local', page)
  expect(first).toMatchObject({ text: 'Hello there, my locker code is 4071.', source: { response: turns[0]!.id } })
  const erased = await store.erase(
    'local',
    { kind: 'memory', id: first!.id },
    { source: false, cascade: false, force: false },
  )
  const [, , , asked, corrected, last] = turns.map(({ id }) => id)
  expect(erased).toMatchObject({ repeatedBy: [asked, corrected], sources: [turns[0]!.id] })
  expect((erased as Receipt).followedBy).toContain(last)
  // Memories that were taken from turns are compared, as new ones are.
  while (await store.consolidateMemories());
  await store.close()
  expect(disagreements(folder)).toEqual([])
})
