/** Stores that are killed while they make and load indexes, as real processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import type { MadeVector } from '../../server/store/memory-calls.ts'
import { startStore } from '../../server/store/start.ts'
import type { Store } from '../../server/store/store.ts'
import { findFaiss } from '../../server/vector-index/faiss.ts'
import { compiled } from '../support/build.ts'
import { disagreements } from '../support/folder-check.ts'
import { INDEXED } from '../support/indexing-process.ts'
import { vectorSource } from '../support/many-memories.ts'
import { temporaryFolder } from '../support/temporary.ts'

const KILLS = 6
const { owner, width, threshold } = INDEXED

/** Runs a store until it has acknowledged a batch while an index was made, and a random time longer; returns the number after its last batch. */
async function runAndKill(folder: string, first: number): Promise<number> {
  const child = spawn(process.execPath, [compiled('tests/support/indexing-process.ts'), folder, String(first)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let [last, isBusy, isKilled] = [first, false, false]
  child.stdout.on('data', (text: Buffer) => {
    for (const [, at, building] of text.toString().matchAll(/^(\d+) (true|false) \d+$/gm)) {
      last = Number(at) + 50
      isBusy ||= building === 'true'
    }
    if (!isBusy || isKilled) return
    isKilled = true
    setTimeout(() => child.kill('SIGKILL'), Math.random() * 1500)
  })
  await once(child, 'close')
  return last
}

async function open(folder: string, from: number): Promise<Store> {
  const settings = { keepStates: 8, replayTokens: 2048, stateBytes: Infinity, prefixBytes: 0 }
  const store = startStore({ folder, ...settings, vectorIndex: { threshold: from, pauseMs: 1 } })
  await store.ready
  // Once: a store that is closed does not answer.
  let closing: Promise<void> | null = null
  const close = (): Promise<void> => (closing ??= store.close())
  onTestFinished(close)
  return { ...store, close }
}

const find = async (store: Store, made: MadeVector): Promise<string[]> => {
  const place = { namespace: 'default', user: null, topics: [], ended: false, metadata: {}, text: '' }
  return (await store.searchMemories(owner, { ...place, made, limit: 10 })).map(({ memory }) => memory.id)
}

test.skipIf(findFaiss() === null)(
  'killed with -9 while it makes an index, a store loses nothing, and its index agrees with it',
  async () => {
    const folder = temporaryFolder()
    let count = 0
    for (let kill = 0; kill < KILLS; kill++) count = await runAndKill(folder, count)
    expect(count).toBeGreaterThan(threshold)
    const isThere = (at: number): boolean => at % 500 !== 450
    const own = new Map<string, MadeVector>()
    for (let at = 0; at < count; at += 50) {
      const next = vectorSource(width, at)
      for (let i = 0; i < 50; i++) own.set(`m${at + i}`, next())
    }
    const asked = Array.from({ length: 40 }, (_, i) => [...own.values()][Math.floor((i * own.size) / 40)]!)
    const exact = await open(folder, 0)
    const expected: string[][] = []
    for (const made of asked) expected.push(await find(exact, made))
    await exact.close()
    const store = await open(folder, threshold)
    while ((await store.statistics()).vectorIndex.indexes === 0) {
      await find(store, asked[0]!)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    let found = 0
    for (const [at, made] of asked.entries()) {
      const here = await find(store, made)
      found += here.filter((id) => expected[at]!.includes(id)).length
    }
    expect(found / (10 * asked.length)).toBeGreaterThanOrEqual(0.95)
    // What was acknowledged is there and finds itself; what was deleted is not.
    const lost: string[] = []
    for (const [id, made] of own) {
      const number = Number(id.slice(1))
      const [first] = await find(store, made)
      if (isThere(number) !== (first === id)) lost.push(id)
    }
    expect(lost).toEqual([])
    await store.close()
    expect(readdirSync(folder).filter((name) => name.endsWith('.new'))).toEqual([])
    expect(disagreements(folder)).toEqual([])
  },
)
