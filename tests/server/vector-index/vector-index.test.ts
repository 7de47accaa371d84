import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { MadeVector, MemoryQuery } from '../../../server/store/memory-calls.ts'
import { startStore } from '../../../server/store/start.ts'
import type { Store, StoreStatistics } from '../../../server/store/store.ts'
import { findFaiss } from '../../../server/vector-index/faiss.ts'
import { editDatabase } from '../../support/edit-database.ts'
import { addMany, generator, plainMemory, vectorSource } from '../../support/many-memories.ts'
import { removeMemories } from '../../support/erasing.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const OWNER = 'tenant-a'
const WIDTH = 48
const COUNT = 400
const everything = { namespace: null, user: null }

type Opened = Store & { readonly notes: string[] }

async function open(folder: string, threshold = 300, pauseMs = 50): Promise<Opened> {
  const settings = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 }
  const store = startStore({ folder, ...settings, vectorIndex: { threshold, pauseMs } })
  const notes: string[] = []
  store.onNote(({ text }) => notes.push(text))
  await store.ready
  // Once: a store that is closed does not answer.
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => (closing ??= store.close())
  onTestFinished(close)
  return { ...store, close, notes }
}

const asked = { namespace: 'default', user: null, topics: [], ended: false, metadata: {}, text: '', limit: 10 }
const query = (made: MadeVector, changes: Partial<MemoryQuery> = {}): MemoryQuery => ({ ...asked, made, ...changes })
type Found = { readonly id: string; readonly similarity: number | null }
const find = async (store: Store, one: MemoryQuery, owner = OWNER): Promise<Found[]> =>
  (await store.searchMemories(owner, one)).map(({ memory: { id }, similarity }) => ({ id, similarity }))

type Index = StoreStatistics['vectorIndex']
/** Searches until the index is as it should be. */
async function until(store: Store, one: MemoryQuery, isSo: (index: Index) => boolean): Promise<Index> {
  for (;;) {
    await store.searchMemories(OWNER, one)
    const { vectorIndex } = await store.statistics()
    if (isSo(vectorIndex)) return vectorIndex
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
const indexFiles = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith('vectors-'))

/** A store whose namespace is indexed, and one with the same memories that scans. */
async function indexed() {
  const folder = temporaryFolder()
  const [store, exact] = [await open(folder), await open(temporaryFolder(), 0)]
  for (const one of [store, exact]) await addMany(one, OWNER, [0, COUNT], vectorSource(WIDTH, 1))
  const next = vectorSource(WIDTH, 2)
  await until(store, query(next()), ({ indexes }) => indexes === 1)
  return { folder, store, exact, next }
}

/** So many vectors, one after the other again and again, and one of them. */
function inTurn(count: number): { next(): MadeVector; any: MadeVector } {
  const all = Array.from({ length: count }, vectorSource(WIDTH, 1))
  let at = 0
  return { next: () => all[at++ % count]!, any: all[0]! }
}

/** Of the ten nearest that a scan finds, how many the index finds; what it finds has the same similarity. */
async function recall(store: Store, exact: Store, next: () => MadeVector, queries = 20): Promise<number> {
  let found = 0
  for (let i = 0; i < queries; i++) {
    const one = query(next())
    const [here, there] = [await find(store, one), await find(exact, one)]
    const similarities = new Map(there.map(({ id, similarity }) => [id, similarity]))
    for (const { id, similarity } of here) {
      if (!similarities.has(id)) continue
      found++
      expect(similarity).toBeCloseTo(similarities.get(id)!, 5)
    }
  }
  return found / (10 * queries)
}

if (findFaiss() === null)
  test('without faiss-node vectors are scanned, and the statistics say so', async () => {
    const store = await open(temporaryFolder(), 1)
    await addMany(store, OWNER, [0, 5], vectorSource(WIDTH, 1))
    expect(await find(store, query(vectorSource(WIDTH, 2)()))).toHaveLength(5)
    expect((await store.statistics()).vectorIndex).toMatchObject({
      kind: 'exact',
      reason: expect.stringMatching(/setup:faiss/),
    })
  })
else
  describe('an index of the vectors of a namespace', () => {
    test('is made above the threshold only, and finds what a scan finds', async () => {
      const { store, exact, next } = await indexed()
      expect(await recall(store, exact, next)).toBeGreaterThan(0.95)
      const { vectorIndex } = await store.statistics()
      expect(vectorIndex).toMatchObject({ kind: 'faiss', indexes: 1, vectors: COUNT, fallbacks: 0, failures: 0 })
      await addMany(store, 'tenant-b', [0, 299], vectorSource(WIDTH, 3))
      await find(store, query(next()), 'tenant-b')
      expect((await store.statistics()).vectorIndex).toMatchObject({ indexes: 1, building: false })
      expect((await exact.statistics()).vectorIndex).toMatchObject({ kind: 'exact', reason: 'switched off' })
    })

    test('whatever is added, changed and deleted after it was made: each search knows it', async () => {
      const { store, exact, next } = await indexed()
      const random = generator(7)
      const ids = Array.from({ length: COUNT }, (_, i) => `${OWNER}-${i}`)
      for (let step = 0; step < 60; step++) {
        const at = Math.floor(random() * ids.length)
        const made = next()
        const kind = Math.floor(random() * 3)
        for (const one of [store, exact])
          if (kind === 0) await one.addMemory(OWNER, plainMemory(`new-${step}`, `new ${step}`), made)
          else if (kind === 1) {
            const change = { text: `changed ${step}`, metadata: {}, expires: null, updated: step }
            await one.changeMemory(OWNER, ids[at]!, change, made)
          } else await removeMemories(one, OWNER, ids[at]!)
        if (kind === 2) ids.splice(at, 1)
        // Its own vector is nearest to itself: an entry that was just written is found, one that was deleted is not.
        const [first] = await find(store, query(made, { limit: 1 }))
        expect(first?.id).toBe((await find(exact, query(made, { limit: 1 })))[0]?.id)
      }
      expect(await recall(store, exact, next)).toBeGreaterThan(0.95)
    })

    test('what was deleted is in no file when that is answered, and the index is made again without it', async () => {
      const { folder, store, next } = await indexed()
      const gone = next()
      await store.addMemory(OWNER, plainMemory('gone', 'gone'), gone)
      // A fifth of it changes, so it is made again with what is to go.
      await addMany(store, OWNER, [COUNT, COUNT + 100], next)
      await until(store, query(gone), ({ vectors }) => vectors === COUNT + 101)
      const trace = Buffer.from(gone.vector.buffer, 0, 32)
      const isThere = (): boolean =>
        readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(trace))
      expect([indexFiles(folder).length, isThere()]).toEqual([2, true])
      await removeMemories(store, OWNER, 'gone')
      expect([indexFiles(folder).length, isThere()]).toEqual([0, false])
      expect((await find(store, query(gone))).map(({ id }) => id)).not.toContain('gone')
      await until(store, query(gone), ({ vectors }) => vectors === COUNT + 100)
      expect([indexFiles(folder).length, isThere()]).toEqual([2, false])
    })

    test('a deletion while it is made leaves nothing of what was deleted in a file', async () => {
      const folder = temporaryFolder()
      const store = await open(folder, 300, 1)
      const gone = vectorSource(WIDTH, 9)()
      await store.addMemory(OWNER, plainMemory('gone', 'gone'), gone)
      await addMany(store, OWNER, [0, COUNT], vectorSource(WIDTH, 1))
      await until(store, query(gone), ({ building }) => building)
      await removeMemories(store, OWNER, 'gone')
      const trace = Buffer.from(gone.vector.buffer, 0, 32)
      const isThere = (): boolean =>
        readdirSync(folder).some((name) => readFileSync(join(folder, name)).includes(trace))
      expect(isThere()).toBe(false)
      const { vectors } = await until(store, query(gone), ({ indexes }) => indexes === 1)
      expect([vectors, isThere()]).toEqual([COUNT, false])
    })

    test('is loaded after a restart, and knows what was written since', async () => {
      const { folder, store, exact, next } = await indexed()
      for (const one of [store, exact]) await addMany(one, OWNER, [COUNT, COUNT + 20], vectorSource(WIDTH, 4))
      await store.close()
      const before = indexFiles(folder)
      const again = await open(folder)
      await until(again, query(next()), ({ indexes }) => indexes === 1)
      expect(indexFiles(folder)).toEqual(before)
      expect(await recall(again, exact, next)).toBeGreaterThan(0.95)
      const at = vectorSource(WIDTH, 4)()
      expect((await find(again, query(at, { limit: 1 })))[0]?.id).toBe(`${OWNER}-${COUNT}`)
    })

    test.each<[string, (file: string) => void, string]>([
      ['cut', (file) => truncateSync(file, 1000), '.faiss'],
      ['cut in its rows', (file) => truncateSync(file, 20), '.rows'],
      [
        'changed in a byte',
        (file) =>
          writeFileSync(
            file,
            readFileSync(file).map((byte, at) => (at === 5000 ? byte ^ 1 : byte)),
          ),
        '.faiss',
      ],
    ])('whose file is %s is not used: vectors are scanned, and it is made again', async (_, damage, ending) => {
      const { folder, store, exact, next } = await indexed()
      await store.close()
      const before = indexFiles(folder)
      damage(
        join(
          folder,
          before.find((name) => name.endsWith(ending))!,
        ),
      )
      const again = await open(folder)
      const one = query(next())
      expect(await find(again, one)).toEqual(await find(exact, one))
      await until(again, one, ({ indexes }) => indexes === 1)
      expect(indexFiles(folder)).not.toEqual(before)
      expect(await recall(again, exact, next)).toBeGreaterThan(0.95)
    })

    test('of a database that somebody deleted a memory from meanwhile is deleted at the start', async () => {
      const { folder, store } = await indexed()
      await store.close()
      editDatabase(folder, `DELETE FROM memory WHERE id = '${OWNER}-7'`)
      await open(folder)
      expect(indexFiles(folder)).toEqual([])
    })

    test('that is newer than the database, which came back from a backup, is deleted at the start', async () => {
      const { folder, store } = await indexed()
      await store.close()
      editDatabase(folder, "UPDATE sqlite_sequence SET seq = 10 WHERE name = 'memory_vector'")
      await open(folder)
      expect(indexFiles(folder)).toEqual([])
    })

    test('whose process is killed: vectors are scanned with the same results, and it is loaded again', async () => {
      const { store, exact, next } = await indexed()
      const { pid } = (await store.statistics()).vectorIndex
      process.kill(pid!, 'SIGKILL')
      for (let i = 0; i < 5; i++) {
        const one = query(next())
        const [here, there] = [await find(store, one), await find(exact, one)]
        expect(here.map(({ id }) => id)).toEqual(there.map(({ id }) => id))
      }
      const after = await until(store, query(next()), ({ indexes, pid: now }) => indexes === 1 && now !== pid)
      expect(after).toMatchObject({ failures: 1 })
      expect(store.notes.join('\n')).toMatch(/has ended \(SIGKILL\): vectors are scanned/)
      expect(await recall(store, exact, next)).toBeGreaterThan(0.95)
    })

    test('that would find too little is not used', async () => {
      const store = await open(temporaryFolder(), 300, 1)
      // Of three vectors in turn HNSW links each only with its like: one of them is never found.
      const { next, any } = inTurn(3)
      await addMany(store, OWNER, [0, COUNT], next)
      for (const one = query(any); store.notes.length === 0;) {
        await store.searchMemories(OWNER, one)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(store.notes[0]).toMatch(/of the nearest of a namespace's vectors, less than 95/)
      expect((await store.statistics()).vectorIndex).toMatchObject({ indexes: 0, building: false, failures: 0 })
    })

    test('of which many are the same: those as near as the tenth are as good', async () => {
      const store = await open(temporaryFolder(), 300, 1)
      const { next, any } = inTurn(20)
      await addMany(store, OWNER, [0, COUNT], next)
      await until(store, query(any), ({ indexes }) => indexes === 1)
      const found = await find(store, query(any))
      expect(found.map(({ similarity }) => similarity!.toFixed(4))).toEqual(Array(10).fill('1.0000'))
    })

    test('serves a user of the namespace, and never another one', async () => {
      const { store, next } = await indexed()
      const mine = Array.from({ length: 30 }, next)
      for (const [i, made] of mine.entries())
        await store.addMemory(OWNER, { ...plainMemory(`mine-${i}`, `mine ${i}`), user: 'ann' }, made)
      for (const made of mine.slice(0, 10)) {
        const found = await find(store, query(made, { user: 'ann', limit: 100 }))
        expect(found.every(({ id }) => id.startsWith('mine-'))).toBe(true)
        expect(found).toHaveLength(30)
        const others = await find(store, query(made, { user: '', limit: 100 }))
        expect(others.filter(({ id }) => id.startsWith('mine-'))).toEqual([])
        expect(others).toHaveLength(100)
      }
    })

    test('goes with all memories of its owner; another tenant has neither its vectors nor its index', async () => {
      const { folder, store, next } = await indexed()
      expect(await find(store, query(next()), 'tenant-b')).toEqual([])
      expect(await removeMemories(store, OWNER, everything)).toBe(COUNT)
      expect(indexFiles(folder)).toEqual([])
      expect(await find(store, query(next()))).toEqual([])
    })
  })
