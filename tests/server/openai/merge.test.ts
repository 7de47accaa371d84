import { setImmediate as turn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { merge } from '../../../server/openai/merge.ts'

/** Yields `items`, pausing for so many turns of the event loop before each; then throws, if it is told to. */
async function* source<T>(items: readonly T[], pauses: readonly number[], error?: Error): AsyncGenerator<T> {
  for (const [i, item] of items.entries()) {
    for (let p = 0; p < (pauses[i] ?? 0); p++) await turn()
    yield item
  }
  if (error) throw error
}

describe('merged streams', () => {
  test('give every item of each stream, each stream in its own order', async () => {
    const stream = fc.array(fc.nat(3), { maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.array(stream, { maxLength: 5 }), async (pauses) => {
        const streams = pauses.map((one, name) =>
          source(
            one.map((_, i) => [name, i] as const),
            one,
          ),
        )
        const seen: (readonly [number, number])[] = []
        for await (const item of merge(streams)) seen.push(item)
        for (const [name, one] of pauses.entries()) {
          expect(seen.filter(([of]) => of === name).map(([, i]) => i)).toEqual(one.map((_, i) => i))
        }
        expect(seen.length).toBe(pauses.flat().length)
      }),
      { numRuns: 50 },
    )
  })

  test('throw what the first failing one throws, after the items before it, and end the others', async () => {
    let ended = 0
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) {
          await turn()
          yield 'more'
        }
      } finally {
        ended++
      }
    }
    const seen: string[] = []
    const read = async (): Promise<void> => {
      for await (const item of merge([endless(), source(['last'], [3], new Error('broken')), endless()]))
        seen.push(item)
    }
    await expect(read()).rejects.toThrow('broken')
    expect(seen).toContain('last')
    await expect.poll(() => ended).toBe(2)
  })

  test('end when the reader leaves, also those that wait', async () => {
    let ended = 0
    async function* one(): AsyncGenerator<number> {
      try {
        yield 1
        yield 2
      } finally {
        ended++
      }
    }
    for await (const _ of merge([one(), one(), one()])) break
    await expect.poll(() => ended).toBe(3)
  })

  test('hold nothing that grows with the items of a stream beside one that waits', async () => {
    async function* silent(): AsyncGenerator<number> {
      await new Promise(() => undefined)
      yield 0
    }
    // Promise.race would add a reaction to the waiting promise for each item: about 20 MiB here.
    let seen = 0
    const heap: number[] = []
    for await (const _ of merge([silent(), source(Array<number>(110_000).fill(1), [])])) {
      if (++seen === 10_000 || seen === 110_000) heap.push(heapBytes())
      if (seen === 110_000) break
    }
    expect((heap[1] ?? Infinity) - (heap[0] ?? 0)).toBeLessThan(4 * 1024 * 1024)
  })
})

/** Bytes of the heap that are in use after a collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}
