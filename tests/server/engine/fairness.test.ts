import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytes, endless, fakeScheduler, turnJob } from '../../support/jobs.ts'

const CHUNK = 64
const letters = (count: number): number[] => Array.from({ length: count }, () => 97)
const one = { maxTokens: 1 }

/** Steps until job `id` is done. */
async function stepsUntil({ scheduler, done }: ReturnType<typeof fakeScheduler>, id: number): Promise<number> {
  let steps = 0
  for (; done(id).length === 0; steps++) await scheduler.step()
  return steps
}

describe('the engine’s time', () => {
  test('a short prompt does not wait for prompts of 131,072 tokens that came before it', async () => {
    const engine = fakeScheduler()
    for (let id = 1; id <= 5; id++) engine.scheduler.add(turnJob(id, one), letters(131_072))
    for (let i = 0; i < 10; i++) await engine.scheduler.step()
    engine.scheduler.add(turnJob(9, one), bytes('short'))
    expect(await stepsUntil(engine, 9)).toBeLessThanOrEqual(2)
  })

  test('a long prompt is not held up for ever by short ones that keep the engine busy', async () => {
    const engine = fakeScheduler()
    const chunks = 20
    engine.scheduler.add(turnJob(1, one), letters(chunks * CHUNK))
    let [id, shorts] = [1, 0]
    while (engine.done(1).length === 0) {
      engine.scheduler.add(turnJob(++id, one), letters(CHUNK))
      await engine.scheduler.step()
      shorts++
    }
    // Its own length, and twice that of others.
    expect(shorts).toBeLessThanOrEqual(3 * chunks + 2)
  })

  test('one owner’s replies give up rows to another’s, and go on where they were', async () => {
    const engine = fakeScheduler({ rows: 4 })
    const long = { maxTokens: 2000, sampling: endless, owner: 'a' }
    for (let id = 1; id <= 8; id++) engine.scheduler.add(turnJob(id, long), bytes(`a${id}`))
    for (let i = 0; i < 50; i++) await engine.scheduler.step()
    engine.scheduler.add(turnJob(20, { maxTokens: 10, sampling: endless, owner: 'b' }), bytes('b'))
    expect(await stepsUntil(engine, 20)).toBeLessThanOrEqual(13)
    await engine.finish()
    expect(engine.done(1)[0]?.generated).toHaveLength(2000)
  })

  test('with one row, replies of two owners take turns', async () => {
    const engine = fakeScheduler({ rows: 1 })
    for (const [id, owner] of [
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ] as const)
      engine.scheduler.add(turnJob(id, { maxTokens: 1000, sampling: endless, owner }), bytes(owner))
    for (let i = 0; i < 1500; i++) await engine.scheduler.step()
    const told = [1, 2, 3].map((id) => engine.text(id).length)
    expect(Math.max(...told) - Math.min(...told)).toBeLessThanOrEqual(130)
  })

  test('owners who always have work get the same share, however many requests each sends', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ at: fc.integer({ min: 8, max: 24 }), length: fc.integer({ min: 1, max: 400 }) }), {
          minLength: 2,
          maxLength: 4,
        }),
        async (owners) => {
          const computed = owners.map(() => 0)
          const engine = fakeScheduler({ rows: 4 })
          const owned = new Map<number, number>()
          let id = 0
          const refill = (owner: number): void => {
            const { length } = owners[owner] as (typeof owners)[number]
            owned.set(++id, owner)
            engine.scheduler.add(
              turnJob(id, { maxTokens: 4, sampling: endless, owner: String(owner) }),
              letters(length),
            )
          }
          for (const [owner, { at }] of owners.entries()) for (let i = 0; i < at; i++) refill(owner)
          let seen = 0
          for (let step = 0; step < 600; step++) {
            await engine.scheduler.step()
            for (; seen < engine.events.length; seen++) {
              const event = engine.events[seen]!
              if (event.kind !== 'done') continue
              const owner = owned.get(event.id) as number
              computed[owner] = (computed[owner] as number) + (owners[owner]?.length ?? 0) + 4
              refill(owner)
            }
          }
          // In tokens: what differs is at most what was under way, a prompt and a batch each. Whoever asks for a few
          // tokens at a time may not be able to use a share: then what one row can give, which is a token a step.
          const share = 0.5 * Math.max(...computed) - 1000
          for (const [owner, { length }] of owners.entries()) {
            const oneRow = (600 * (length + 4)) / (Math.ceil(length / 64) + 3)
            expect(computed[owner]).toBeGreaterThan(Math.min(share, 0.5 * oneRow))
            expect(computed[owner]).toBeGreaterThan(0)
          }
        },
      ),
      { numRuns: 15 },
    )
  })
})
