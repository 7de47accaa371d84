/** What any store has to do with prefixes of prompts: the same tests for each. */
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { PAGE_POSITIONS } from '../../../server/checkpoint.ts'
import type { Store, StoreCalls } from '../../../server/store/store.ts'
import { prefixRecord, stateAfter, tokenRun } from '../../support/prefixes.ts'
import { OWNER } from '../../support/turns.ts'

type Opened = Pick<Store, keyof StoreCalls | 'close'>

/** `openStore` opens a new, empty store that keeps at most so many bytes of prefixes. */
export function prefixContract(name: string, openStore: (prefixBytes: number) => Promise<Opened>): void {
  const open = async (prefixBytes = 1024 * 1024): Promise<Opened> => {
    const store = await openStore(prefixBytes)
    onTestFinished(() => store.close())
    return store
  }
  const put = (store: Opened, key: readonly number[], owner = OWNER, bundle = 'b') =>
    store.putPrefix(owner, bundle, prefixRecord(key), stateAfter(key), null)

  describe(`the contract of a store of prefixes: ${name}`, () => {
    test('it gives back what was put, to the same owner and bundle only', async () => {
      const store = await open()
      const key = tokenRun(150)
      const record = prefixRecord(key, { tokens: [...key, 9], calls: [64, 2, 22, 1], afterReply: true })
      const seq = await store.putPrefix(OWNER, 'b', record, stateAfter(key), null)
      const prompt = [...key, 1, 2, 3]
      const { key: _, ...rest } = record
      expect(await store.findPrefix(OWNER, 'b', prompt, 0)).toEqual({
        ...rest,
        seq,
        length: 150,
        state: stateAfter(key),
      })
      expect(await store.findPrefix('another', 'b', prompt, 0)).toBeNull()
      expect(await store.findPrefix(OWNER, 'c', prompt, 0)).toBeNull()
      expect(await store.prefixScopes()).toEqual([{ owner: OWNER, bundle: 'b' }])
    })

    test('it finds the longest prefix that leaves a token and is longer than what is known, over any set of prefixes', async () => {
      const store = await open()
      let runs = 0
      const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 12 })
      await fc.assert(
        fc.asyncProperty(fc.array(tokens, { maxLength: 12 }), tokens, fc.nat(6), async (keys, prompt, known) => {
          const owner = `owner ${++runs}`
          for (const key of keys) await put(store, key, owner)
          const lengths = keys
            .filter((key) => key.length < prompt.length && key.every((id, at) => id === prompt[at]))
            .map((key) => key.length)
            .filter((length) => length > known)
          const found = await store.findPrefix(owner, 'b', prompt, known)
          expect(found?.length ?? 0).toBe(Math.max(0, ...lengths))
        }),
        { numRuns: 60 },
      )
    })

    test('pages that a prefix shares with the one before it are stored once, and go with the last that needs them', async () => {
      const store = await open()
      const [short, long] = [tokenRun(10 * PAGE_POSITIONS + 5), tokenRun(12 * PAGE_POSITIONS)]
      const first = await put(store, short)
      const one = (await store.statistics()).prefixBytes
      expect(one).toBe(64 + 4 * short.length + 8)
      const second = await store.putPrefix(OWNER, 'b', prefixRecord(long), stateAfter(long, 10), first)
      expect((await store.statistics()).prefixBytes - one).toBe(64 + 4 * 2 * PAGE_POSITIONS + 8)
      expect((await store.findPrefix(OWNER, 'b', [...long, 1], 0))?.state).toEqual(stateAfter(long))
      expect(second).not.toBe(first)
      expect(await store.clearPrefixes(OWNER)).toBe(2)
      expect(await store.statistics()).toMatchObject({ prefixes: 0, prefixBytes: 0 })
    })

    test('pages that follow those of a prefix which has gone, or is another owner’s, are refused', async () => {
      const store = await open()
      const [short, long] = [tokenRun(2 * PAGE_POSITIONS), tokenRun(3 * PAGE_POSITIONS)]
      const theirs = await put(store, short, 'another')
      expect(await store.putPrefix(OWNER, 'b', prefixRecord(long), stateAfter(long, 2), theirs)).toBeNull()
      expect(await store.putPrefix(OWNER, 'b', prefixRecord(long), stateAfter(long, 2), 99)).toBeNull()
      expect(await store.findPrefix(OWNER, 'b', [...long, 1], 0)).toBeNull()
    })

    test('over its budget the prefixes that were used longest ago go first', async () => {
      const store = await open(4 * (64 + 4 * 20 + 8))
      const keys = [0, 1, 2, 3, 4, 5].map((seed) => tokenRun(20, seed * 1000))
      const [first, second] = keys as [number[], number[]]
      await put(store, first)
      await put(store, second)
      await put(store, keys[2] as number[])
      // Time is counted in milliseconds.
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(await store.findPrefix(OWNER, 'b', [...first, 1], 0)).not.toBeNull()
      await put(store, keys[3] as number[])
      await put(store, keys[4] as number[])
      await put(store, keys[5] as number[])
      expect((await store.statistics()).prefixBytes).toBeLessThanOrEqual(4 * (64 + 4 * 20 + 8))
      expect(await store.findPrefix(OWNER, 'b', [...first, 1], 0)).not.toBeNull()
      expect(await store.findPrefix(OWNER, 'b', [...second, 1], 0)).toBeNull()
    })

    test('what is put again is not stored twice', async () => {
      const store = await open()
      const key = tokenRun(100)
      const seq = await put(store, key)
      const { prefixBytes } = await store.statistics()
      expect(await put(store, key)).toBe(seq)
      expect(await store.statistics()).toMatchObject({ prefixes: 1, prefixBytes })
    })

    test('an owner’s prefixes can be deleted, and no one else’s go with them', async () => {
      const store = await open()
      await put(store, tokenRun(100))
      await put(store, tokenRun(100), 'another')
      expect(await store.clearPrefixes(OWNER)).toBe(1)
      expect(await store.findPrefix(OWNER, 'b', tokenRun(101), 0)).toBeNull()
      expect(await store.findPrefix('another', 'b', tokenRun(101), 0)).not.toBeNull()
    })
  })
}
