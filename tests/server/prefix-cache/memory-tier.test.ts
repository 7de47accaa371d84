import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PAGE_POSITIONS } from '../../../server/checkpoint.ts'
import { MemoryTier } from '../../../server/prefix-cache/memory-tier.ts'
import type { Prefix } from '../../../server/prefix-cache/prefix.ts'
import { StateCache } from '../../../server/state-cache.ts'
import { stateAfter, tokenRun } from '../../support/prefixes.ts'

const scope = { owner: 'somebody', bundle: 'b' }
const prefixOf = (tokens: readonly number[], pages = stateAfter(tokens).pages): Prefix => ({
  tokens: null,
  position: tokens.length,
  calls: [tokens.length, 1],
  afterReply: false,
  state: { fixed: stateAfter(tokens).fixed, pages, firstPage: 0 },
})
/** What one prefix of so many tokens takes, with its pages. */
const bytesOf = (tokens: number): number => {
  const cache = new StateCache(Infinity)
  const tier = new MemoryTier(cache, () => undefined)
  tier.add(scope, tokenRun(tokens), prefixOf(tokenRun(tokens)), null)
  return cache.bytes
}

describe('prefixes in memory', () => {
  test('never take more than their budget, count shared pages once, and take nothing once they are gone', () => {
    const step = fc.record({ length: fc.integer({ min: 1, max: 300 }), seed: fc.nat(2), find: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 500, max: 20_000 }), (steps, budget) => {
        let evicted = 0
        let added = 0
        const cache = new StateCache(budget)
        const tier = new MemoryTier(cache, () => evicted++)
        for (const { length, seed, find } of steps) {
          const tokens = tokenRun(length, seed)
          if (find) tier.find(scope, tokens)
          else if (tier.add(scope, tokens, prefixOf(tokens), null)) added++
          expect(cache.bytes).toBeLessThanOrEqual(budget)
        }
        expect(evicted).toBeLessThanOrEqual(added)
        tier.clear(scope.owner)
        expect(cache.bytes).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  test('share the pages of the ones that they go on from', () => {
    const cache = new StateCache(Infinity)
    const tier = new MemoryTier(cache, () => undefined)
    const [short, long] = [tokenRun(4 * PAGE_POSITIONS), tokenRun(5 * PAGE_POSITIONS)]
    const first = tier.add(scope, short, prefixOf(short), null)
    const before = cache.bytes
    tier.add(scope, long, prefixOf(long, [...first.state.pages, ...stateAfter(long, 4).pages]), null)
    const fixedPart = 64
    const page = 4 * PAGE_POSITIONS
    expect(cache.bytes - before).toBeLessThan(2 * (fixedPart + page) + 4 * long.length + 512)
  })

  test('used longest ago go first: those of one conversation before its newest, and what was found stays', () => {
    const cache = new StateCache(3 * bytesOf(40) + 100)
    const tier = new MemoryTier(cache, () => undefined)
    const keys = [0, 1, 2, 3].map((seed) => tokenRun(40, seed * 100))
    for (const key of keys.slice(0, 3)) tier.add(scope, key, prefixOf(key), null)
    expect(tier.find(scope, [...(keys[0] as number[]), 1])?.length).toBe(40)
    tier.add(scope, keys[3] as number[], prefixOf(keys[3] as number[]), null)
    const found = keys.map((key) => tier.find(scope, [...key, 1])?.length ?? 0)
    expect(found).toEqual([40, 0, 40, 40])
  })

  test('of one prompt_cache_key are used together', () => {
    const cache = new StateCache(3 * bytesOf(40) + 100)
    const tier = new MemoryTier(cache, () => undefined)
    const keys = [0, 1, 2, 3].map((seed) => tokenRun(40, seed * 100))
    for (const [i, key] of keys.slice(0, 3).entries()) tier.add(scope, key, prefixOf(key), i < 2 ? 'chat' : null)
    tier.find(scope, [...(keys[1] as number[]), 1])
    tier.add(scope, keys[3] as number[], prefixOf(keys[3] as number[]), null)
    expect(keys.map((key) => tier.find(scope, [...key, 1])?.length ?? 0)).toEqual([40, 40, 0, 40])
  })

  test('that are larger than the whole budget are not kept, and push nothing out', () => {
    const cache = new StateCache(bytesOf(40) + 100)
    const tier = new MemoryTier(cache, () => undefined)
    const [small, large] = [tokenRun(40), tokenRun(400, 7)]
    tier.add(scope, small, prefixOf(small), null)
    tier.add(scope, large, prefixOf(large), null)
    expect(tier.find(scope, [...small, 1])?.length).toBe(40)
    expect(tier.find(scope, [...large, 1])).toBeNull()
  })

  test('of one owner or bundle are never found by another', () => {
    const cache = new StateCache(Infinity)
    const tier = new MemoryTier(cache, () => undefined)
    const key = tokenRun(40)
    tier.add(scope, key, prefixOf(key), 'k')
    expect(tier.find({ ...scope, owner: 'another' }, [...key, 1])).toBeNull()
    expect(tier.find({ ...scope, bundle: 'another' }, [...key, 1])).toBeNull()
    tier.clear('some')
    expect(tier.find(scope, [...key, 1])?.length).toBe(40)
  })
})
