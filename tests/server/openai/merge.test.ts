import { setImmediate as turn } from 'node:timers/promises'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
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

  test('add no reaction to the promise of a stream that waits, however many items come beside it', async () => {
    async function* silent(): AsyncGenerator<number> {
      await new Promise(() => undefined)
      yield 0
    }
    // Promise.race adds one to each promise that it is given, each time.
    let reactions = 0
    const { then } = Promise.prototype
    Promise.prototype.then = function counting(this: Promise<unknown>, ...handlers: Parameters<typeof then>) {
      reactions++
      return Reflect.apply(then, this, handlers)
    } as typeof then
    onTestFinished(() => void (Promise.prototype.then = then))
    let seen = 0
    for await (const _ of merge([silent(), source(Array<number>(2000).fill(1), [])])) if (++seen === 2000) break
    expect(reactions).toBeLessThan(100)
  })
})
