import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MemoryBudget } from '../../../server/memory-budget.ts'
import { AdmissionError } from '../../../server/engine/client.ts'
import { sequenceBytes } from '../../../server/engine/model-memory.ts'
import { ModelPool, type PooledModel } from '../../../server/engine/model-pool.ts'

const silent = { loaded: () => undefined, unloaded: () => undefined, failed: () => undefined }
const never = new AbortController().signal
const demand = (owner: string, tokens: number, sequences = 1) => ({ owner, tokens, sequences, stateBytes: 0 })

/** A model whose memory is counted here, too, and that takes some turns of the event loop to come and go. */
function fakeModel(name: string, weights: number, fails: () => boolean = () => false) {
  const turns = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  const model = {
    name,
    memory: { weights, idle: 10, perSequence: 5, perPosition: 1 },
    bytes: 0,
    running: 0,
    opened: 0,
    async open() {
      if (model.bytes > 0) throw new Error('it was opened twice')
      model.bytes = weights + 10
      model.opened++
      await turns(3)
      if (!fails()) return
      model.bytes = 0
      throw new Error('told to fail')
    },
    async shut() {
      expect(model.running).toBe(0)
      await turns(2)
      model.bytes = 0
    },
  } satisfies PooledModel & Record<string, unknown>
  return model
}

describe('a pool of models', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('job' as const),
      model: fc.nat(3),
      owner: fc.constantFrom('a', 'b', 'c'),
      tokens: fc.integer({ min: 1, max: 1000 }),
      sequences: fc.integer({ min: 1, max: 2 }),
    }),
    fc.record({ kind: fc.constantFrom('end' as const, 'cancel' as const, 'turn' as const), which: fc.nat() }),
  )

  test('stays within its budget, never unloads a model with jobs, and admits every job that it does not refuse', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 20, max: 1000 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1300, max: 4000 }),
        fc.array(step, { maxLength: 60 }),
        async (weights, limit, steps) => {
          const budget = new MemoryBudget(limit)
          const pool = new ModelPool(budget, silent)
          const models = weights.map((bytes, i) => fakeModel(`model-${i}`, bytes))
          for (const model of models) pool.add(model)
          const running: { end: () => void; bytes: number }[] = []
          let waiting: AbortController[] = []
          let [asked, admitted, refused, cancelled] = [0, 0, 0, 0]
          const check = (): void => {
            const real =
              models.reduce((sum, { bytes }) => sum + bytes, 0) + running.reduce((sum, { bytes }) => sum + bytes, 0)
            expect(real).toBeLessThanOrEqual(limit)
            expect(budget.free).toBeGreaterThanOrEqual(0)
          }
          const begin = async (at: number, owner: string, tokens: number, sequences: number): Promise<void> => {
            const model = models[at % models.length]!
            const gone = new AbortController()
            waiting.push(gone)
            asked++
            try {
              const leave = await pool.admit(model, demand(owner, tokens, sequences), gone.signal)
              admitted++
              expect(pool.isLoaded(model)).toBe(true)
              model.running++
              const bytes = sequences * sequenceBytes(model.memory, tokens)
              const job = { bytes, end: () => (model.running--, leave()) }
              running.push(job)
              check()
            } catch (error) {
              if (!(error instanceof AdmissionError)) throw error
              if (gone.signal.aborted) cancelled++
              else {
                refused++
                expect(sequences * sequenceBytes(model.memory, tokens)).toBeGreaterThan(pool.roomFor(model.memory))
              }
            } finally {
              waiting = waiting.filter((one) => one !== gone)
            }
          }
          const jobs: Promise<void>[] = []
          for (const one of steps) {
            if (one.kind === 'job') jobs.push(begin(one.model, one.owner, one.tokens, one.sequences))
            else if (one.kind === 'end') running.splice(one.which % Math.max(1, running.length), 1)[0]?.end()
            else if (one.kind === 'cancel') waiting[one.which % Math.max(1, waiting.length)]?.abort()
            else await new Promise((resolve) => setImmediate(resolve))
            check()
          }
          const progress = { ended: false }
          const all = Promise.all(jobs).then(() => (progress.ended = true))
          for (let i = 0; i < 3000 && !progress.ended; i++) {
            running.shift()?.end()
            await new Promise((resolve) => setImmediate(resolve))
            check()
          }
          expect(progress.ended).toBe(true)
          await all
          for (const { end } of running) end()
          // Loads that nobody waits for any more end, too.
          for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
          expect(admitted + refused + cancelled).toBe(asked)
          const loaded = models.filter((model) => pool.isLoaded(model))
          expect(budget.used.state).toBeCloseTo(10 * loaded.length)
        },
      ),
      { numRuns: 150 },
    )
  }, 60_000)

  test('unloads the model that was used least recently', async () => {
    const pool = new ModelPool(new MemoryBudget(700), silent)
    const [a, b, c] = [fakeModel('a', 150), fakeModel('b', 150), fakeModel('c', 150)]
    for (const model of [a, b, c]) pool.add(model)
    const use = async (model: PooledModel) => (await pool.admit(model, demand('x', 1), never))()
    for (const model of [a, b, a, c]) await use(model)
    expect([a, b, c].map((model) => pool.isLoaded(model))).toEqual([true, false, true])
    await use(a)
    await use(b)
    expect([a, b, c].map((model) => pool.isLoaded(model))).toEqual([true, true, false])
    expect([a.opened, b.opened, c.opened]).toEqual([1, 2, 1])
  })

  test('gives a model its turn although jobs for the loaded one never stop coming', async () => {
    const pool = new ModelPool(new MemoryBudget(450), silent)
    const [a, b] = [fakeModel('a', 150), fakeModel('b', 150)]
    for (const model of [a, b]) pool.add(model)
    const order: string[] = []
    const job = async (model: typeof a): Promise<void> => {
      const leave = await pool.admit(model, demand('x', 1), never)
      order.push(model.name)
      await new Promise((resolve) => setTimeout(resolve, 1))
      leave()
    }
    const first = job(a)
    const other = job(b)
    const more = Array.from({ length: 20 }, () => job(a))
    await Promise.all([first, other, ...more])
    expect(order.indexOf('b')).toBe(1)
  })

  test('a load that fails fails its jobs, gives back its memory, and the next job tries again', async () => {
    let failing = true
    const budget = new MemoryBudget(700)
    const pool = new ModelPool(budget, silent)
    const [good, bad] = [fakeModel('good', 150), fakeModel('bad', 150, () => failing)]
    for (const model of [good, bad]) pool.add(model)
    const results = await Promise.allSettled([1, 2].map(() => pool.admit(bad, demand('x', 1), never)))
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect([bad.opened, budget.free]).toEqual([1, 700])
    ;(await pool.admit(good, demand('x', 1), never))()
    failing = false
    ;(await pool.admit(bad, demand('x', 1), never))()
    expect([pool.isLoaded(bad), pool.isLoaded(good)]).toEqual([true, true])
  })

  test('without a budget everything fits', async () => {
    const pool = new ModelPool(new MemoryBudget(null), silent)
    const models = [fakeModel('a', 1e15), fakeModel('b', 1e15)]
    for (const model of models) pool.add(model)
    for (const model of models) expect(await pool.load(model)).toBe(true)
    await pool.admit(models[0]!, demand('x', 1e9, 16), never)
  })
})
