import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../server/store/database.ts'
import { createTurns } from '../../../server/store/turns.ts'
import { StoreError, type StoreCalls, type TurnRecord } from '../../../server/store/records.ts'
import { startStore } from '../../../server/store/start.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const OWNER = 'somebody'
const record = (id: string, changes: Partial<TurnRecord> = {}): TurnRecord => ({
  id,
  owner: OWNER,
  parent: null,
  root: id,
  depth: 0,
  created: 1,
  model: 'm',
  bundle: 'b',
  document: '{}',
  prompt: [1, 2],
  generated: [3, 4],
  pending: [4],
  position: 3,
  chunk: 64,
  ...changes,
})
const child = (parent: TurnRecord, id: string): TurnRecord =>
  record(id, { parent: parent.id, root: parent.root, depth: parent.depth + 1 })
const stateOf = (id: string): Uint8Array => new Uint8Array(Buffer.from(`state of ${id}`.padEnd(64)))

function open(keepStates = 3, folder = temporaryFolder()) {
  const opened = openDatabase(folder)
  const { database } = opened
  onTestFinished(() => {
    if (database.open) opened.close()
  })
  return { database, turns: createTurns(database, keepStates) }
}

/** A line of `count` turns: t0, t1... */
function line(turns: StoreCalls, count: number): TurnRecord[] {
  const all = [record('t0')]
  for (let i = 1; i < count; i++) all.push(child(all[i - 1] as TurnRecord, `t${i}`))
  for (const turn of all) turns.put(turn, stateOf(turn.id))
  return all
}
const kept = (turns: StoreCalls, id: string): string | undefined => turns.find(OWNER, id)?.state.kind

describe('the store', () => {
  test('gives back what was put, to its owner only', () => {
    const { turns } = open()
    const turn = record('a', { document: '{"text":"Zürich 😀"}', generated: [], pending: [] })
    turns.put(turn, stateOf('a'))
    expect(turns.find(OWNER, 'a')).toEqual({
      record: turn,
      state: { kind: 'kept', state: stateOf('a') },
      continued: false,
    })
    expect(turns.find('another', 'a')).toBeNull()
    expect(turns.find(OWNER, 'b')).toBeNull()
  })

  test('writes ahead, waits for the disk, and overwrites what is deleted', () => {
    const { database } = open()
    const read = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get() as object)[0]
    expect([read('journal_mode'), read('synchronous'), read('secure_delete')]).toEqual(['wal', 2, 1])
  })

  test('keeps the newest states, every sixteenth and all leaves, whatever the shape of the session', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        (parents, keep) => {
          const { turns } = open(keep)
          const all = [record('t0')]
          turns.put(all[0] as TurnRecord, stateOf('t0'))
          for (const [i, parent] of parents.entries()) {
            const turn = child(all[parent % all.length] as TurnRecord, `t${i + 1}`)
            all.push(turn)
            turns.put(turn, stateOf(turn.id))
          }
          for (const [i, turn] of all.entries()) {
            const leaf = !all.some((other) => other.parent === turn.id)
            const must = leaf || i >= all.length - keep || turn.depth % 16 === 0
            // A state that was a leaf when the others were pruned may be kept a little longer, never shorter.
            if (must) expect(kept(turns, turn.id)).toBe('kept')
          }
          const { states } = turns.statistics()
          const leaves = all.filter((turn) => !all.some((other) => other.parent === turn.id)).length
          expect(states).toBeLessThanOrEqual(keep + leaves + all.filter(({ depth }) => depth % 16 === 0).length)
        },
      ),
      { numRuns: 25 },
    )
  })

  test('a pruned state is never further than 15 turns from a kept one', () => {
    const { turns } = open(2)
    const all = line(turns, 40)
    expect(all.filter(({ id }) => kept(turns, id) === 'kept').map(({ id }) => id)).toEqual([
      't0',
      't16',
      't32',
      't38',
      't39',
    ])
    const lineage = turns.lineage('t20')
    expect(lineage?.turns.map(({ id }) => id)).toEqual(['t17', 't18', 't19', 't20'])
    expect(lineage?.from?.state).toEqual(stateOf('t16'))
    expect(turns.lineage('t0')?.from).toBeNull()
  })

  test('a corrupted state is seen, and does not serve as the start of a replay', () => {
    const { turns, database } = open(2)
    line(turns, 20)
    database.prepare('UPDATE state SET bytes = ? WHERE id = ?').run(Buffer.alloc(64), 't16')
    expect(kept(turns, 't16')).toBe('corrupted')
    expect(turns.lineage('t17')?.turns.map(({ id }) => id)[0]).toBe('t1')
    expect(kept(turns, 't19')).toBe('kept')
  })

  test('a response that others are rebuilt through is deleted only once they are, or by force', () => {
    const { turns } = open(1)
    line(turns, 5)
    expect(turns.remove(OWNER, 't1', false)).toBe('needed')
    expect(turns.dependants('t1')).toEqual(['t2'])
    turns.restore('t2', stateOf('t2'), true)
    expect(turns.remove(OWNER, 't1', false)).toBe('removed')
    expect(turns.remove(OWNER, 't1', false)).toBe('unknown')
    expect(turns.find(OWNER, 't1')).toBeNull()
    expect(turns.lineage('t3')?.from?.state).toEqual(stateOf('t2'))
    for (let i = 5; i < 20; i++) turns.put(record(`u${i}`, { root: 't0', parent: 't4', depth: i }), stateOf(`u${i}`))
    expect(kept(turns, 't2')).toBe('kept')
    expect(turns.remove(OWNER, 't2', true)).toBe('removed')
    expect(turns.lineage('t3')).toBeNull()
  })

  test('a state whose parent was never stored is never pruned', () => {
    const { turns } = open(1)
    turns.put(record('a', { parent: 'not stored', depth: 3 }), stateOf('a'))
    for (let i = 0; i < 5; i++) turns.put(child(record('a', { depth: 3 }), `b${i}`), stateOf('b'))
    expect(kept(turns, 'a')).toBe('kept')
  })

  test('what is deleted is in no file of the folder any more', async () => {
    const folder = temporaryFolder()
    const store = startStore({ folder, keepStates: 8 }, () => undefined)
    const secret = 'a-secret-that-must-go'
    await store.put(record('a', { document: JSON.stringify({ secret }) }), Buffer.from(secret))
    const holding = () =>
      readdirSync(folder).filter((file) => readFileSync(join(folder, file)).includes(Buffer.from(secret)))
    expect(holding()).not.toEqual([])
    expect(await store.remove(OWNER, 'a', false)).toBe('removed')
    expect(holding()).toEqual([])
    await store.close()
  })

  test('a folder is for one process at a time, and free again once it is closed', async () => {
    const folder = temporaryFolder()
    const first = startStore({ folder, keepStates: 8 }, () => undefined)
    await first.ready
    const second = startStore({ folder, keepStates: 8 }, () => undefined)
    await expect(second.ready).rejects.toThrow(/in use by another mneme process.*--data/)
    await first.close()
    const third = startStore({ folder, keepStates: 8 }, () => undefined)
    await third.ready
    await third.close()
  })

  test('a folder that cannot be used is refused in one sentence', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    const store = startStore({ folder: join(file, 'data'), keepStates: 8 }, () => undefined)
    await expect(store.ready).rejects.toThrow(/data: expected a usable data folder, got: .*--data/)
  })

  test('a full disk fails the turn that does not fit, keeps the others, and is over when there is room', async () => {
    const folder = temporaryFolder()
    const store = startStore({ folder, keepStates: 8, maxPages: 40 }, () => undefined)
    const large = new Uint8Array(400_000)
    const results = await Promise.allSettled([
      store.put(record('small'), stateOf('small')),
      store.put(record('large'), large),
      store.put(record('another'), stateOf('another')),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: expect.any(StoreError) as unknown })
    expect(await store.find(OWNER, 'large')).toBeNull()
    expect((await store.find(OWNER, 'another'))?.state.kind).toBe('kept')
    await store.close()
    const roomy = startStore({ folder, keepStates: 8 }, () => undefined)
    await roomy.put(record('large'), large)
    expect((await roomy.find(OWNER, 'large'))?.state.kind).toBe('kept')
    expect((await roomy.find(OWNER, 'small'))?.state.kind).toBe('kept')
    await roomy.close()
  })
})
