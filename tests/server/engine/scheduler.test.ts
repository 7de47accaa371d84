import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import type { DoneEvent, FromEngine, TurnJob } from '../../../server/engine/messages.ts'
import { CHUNK } from '../../../server/engine/runner.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { byteCodec, createFakeRunner, END, NOT_A_NUMBER, THROWS, type FakeOptions } from '../../support/fake-model.ts'

const job = (id: number, changes: Partial<TurnJob> = {}): TurnJob => ({
  kind: 'turn',
  owner: 'someone',
  id,
  prompt: { kind: 'ids', ids: [] },
  from: null,
  sampling: {
    temperature: 1,
    topP: 1,
    topK: 0,
    minP: 0,
    frequencyPenalty: 0,
    presencePenalty: 0,
    repetitionPenalty: 1,
    logitBias: [],
    seed: id,
    logprobs: null,
  },
  choices: 1,
  maxTokens: 8,
  stop: [],
  promptLogprobs: null,
  keep: true,
  ...changes,
})
const bytes = (text: string): number[] => [...Buffer.from(text)]

function setUp(options: FakeOptions = {}) {
  const events: FromEngine[] = []
  const scheduler = new Scheduler(createFakeRunner(options), byteCodec, (event) => events.push(event))
  const finish = async (): Promise<void> => {
    while (!scheduler.idle) await scheduler.step()
  }
  const done = (id: number): DoneEvent[] => events.filter((e): e is DoneEvent => e.kind === 'done' && e.id === id)
  const text = (id: number): string => events.map((e) => (e.kind === 'text' && e.id === id ? e.text : '')).join('')
  const errors = (id: number) => events.filter((e) => e.kind === 'error' && e.id === id)
  return { events, scheduler, finish, done, text, errors }
}

/** What a turn computed, without the times. */
const facts = ({ choice, reason, generated, checkpoint }: DoneEvent) => ({ choice, reason, generated, checkpoint })

async function alone(one: TurnJob, prompt: readonly number[]) {
  const { scheduler, finish, done, text } = setUp()
  scheduler.add(one, prompt)
  await finish()
  return { facts: done(one.id).map(facts), text: text(one.id) }
}

describe('the scheduler', () => {
  test('a turn computes the same bytes alone as beside any others, arriving at any time', async () => {
    const turn = fc.record({
      prompt: fc.string({ minLength: 1, maxLength: 200 }),
      maxTokens: fc.integer({ min: 0, max: 20 }),
      choices: fc.integer({ min: 1, max: 3 }),
      steps: fc.nat(6),
      cancelled: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(turn, { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        async (turns, rows) => {
          const { scheduler, finish, done, text } = setUp({ rows })
          const jobs = turns.map(({ maxTokens, choices }, i) => job(i + 1, { maxTokens, choices }))
          for (const [i, { prompt, steps }] of turns.entries()) {
            scheduler.add(jobs[i] as TurnJob, bytes(prompt))
            for (let step = 0; step < steps; step++) await scheduler.step()
            if (turns[i - 1]?.cancelled) scheduler.cancel(i)
          }
          await finish()
          for (const [i, { prompt }] of turns.entries()) {
            if (turns[i]?.cancelled && i + 1 < turns.length) continue
            const one = jobs[i] as TurnJob
            const expected = await alone(one, bytes(prompt))
            const sorted = done(one.id)
              .map(facts)
              .toSorted((a, b) => a.choice - b.choice)
            expect(sorted).toEqual(expected.facts.toSorted((a, b) => a.choice - b.choice))
            if (one.choices === 1) expect(text(one.id)).toBe(expected.text)
          }
        },
      ),
      { numRuns: 40 },
    )
  })

  test('a prompt is fed in chunks counted from its start, whatever else runs', async () => {
    const lanes: number[] = []
    const { scheduler, finish } = setUp({ onCall: ({ kind, ids }) => kind === 'lane' && lanes.push(ids.length) })
    scheduler.add(
      job(1, { maxTokens: 1 }),
      Array.from({ length: 2 * CHUNK + 5 }, () => 97),
    )
    await finish()
    expect(lanes).toEqual([CHUNK, CHUNK, 5])
  })

  test('at most one chunk of a prompt runs between two tokens of a reply', async () => {
    const calls: string[] = []
    const { scheduler, finish } = setUp({ onCall: ({ kind }) => calls.push(kind) })
    scheduler.add(job(1, { maxTokens: 30, sampling: { ...job(1).sampling, logitBias: [[END, -100]] } }), bytes('x'))
    await scheduler.step()
    scheduler.add(
      job(2, { maxTokens: 1 }),
      Array.from({ length: 5 * CHUNK }, () => 97),
    )
    await finish()
    expect(calls.join(' ')).not.toContain('lane lane')
  })

  test('short prompts are not held up by a long one', async () => {
    const { scheduler, events, finish } = setUp()
    scheduler.add(
      job(1, { maxTokens: 1 }),
      Array.from({ length: 20 * CHUNK }, () => 97),
    )
    scheduler.add(job(2, { maxTokens: 1 }), bytes('short'))
    await finish()
    expect(events.filter((e) => e.kind === 'done').map(({ id }) => id)).toEqual([2, 1])
  })

  test('a continued turn feeds what was sampled last, then its own prompt', async () => {
    const first = (await alone(job(1), bytes('hello'))).facts[0]
    const checkpoint = first?.checkpoint
    expect(checkpoint?.pending[0]).toBe(first?.generated.at(-1))
    const fed: number[][] = []
    const { scheduler, finish, done } = setUp({ onCall: ({ kind, ids }) => kind === 'lane' && fed.push([...ids]) })
    scheduler.add(job(2, { from: checkpoint ?? null, maxTokens: 0 }), bytes('more'))
    await finish()
    expect(fed).toEqual([[...(checkpoint?.pending ?? []), ...bytes('more')]])
    const tokensBefore = (checkpoint?.position ?? 0) + (checkpoint?.pending.length ?? 0)
    expect(done(2)[0]?.checkpoint?.position).toBe(tokensBefore + 4)
  })

  test('a reply that was cut off is closed with the end token for the next turn', async () => {
    const sampling = { ...job(1).sampling, logitBias: [[END, -100]] as const }
    const cut = (await alone(job(1, { sampling, maxTokens: 3 }), bytes('hello'))).facts[0]
    expect(cut).toMatchObject({ reason: 'length', checkpoint: { pending: [cut?.generated[2], END], position: 7 } })
    const forced = { ...job(1).sampling, logitBias: [[END, 100]] as const }
    const ended = (await alone(job(1, { sampling: forced }), bytes('hello'))).facts[0]
    expect(ended).toMatchObject({ reason: 'eos', generated: [END], checkpoint: { pending: [END], position: 5 } })
  })

  test('a replay gives the state of the turn, bit for bit, also beside others', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1, maxLength: 150 }), fc.nat(12), async (prompt, maxTokens) => {
        const parent = (await alone(job(1), bytes('before'))).facts[0]?.checkpoint ?? null
        const original = (await alone(job(2, { from: parent, maxTokens }), bytes(prompt))).facts[0]
        const { scheduler, finish, done } = setUp()
        scheduler.add(job(7, { maxTokens: 15 }), bytes('noise'))
        const steps = original?.generated.slice(0, -1) ?? []
        scheduler.add({ kind: 'replay', id: 3, owner: 'someone', from: parent, prompt: [], steps }, bytes(prompt))
        await finish()
        expect(done(3)[0]?.checkpoint?.state).toEqual(original?.checkpoint?.state)
        expect(done(3)[0]?.checkpoint?.position).toBe(original?.checkpoint?.position)
      }),
      { numRuns: 20 },
    )
  })

  test('log-probabilities of a prompt are those of its tokens, over chunk boundaries too', async () => {
    const { scheduler, finish, events } = setUp()
    const prompt = Array.from({ length: CHUNK + 3 }, (_, i) => 97 + (i % 26))
    scheduler.add(job(1, { promptLogprobs: 1, maxTokens: 0 }), prompt)
    await finish()
    const tokens = events.flatMap((e) => (e.kind === 'prompt-logprobs' ? e.tokens : []))
    expect(tokens.map(({ id }) => id)).toEqual(prompt)
    expect(tokens[0]?.logprob).toBeNull()
    expect(tokens.slice(1).every(({ logprob }) => typeof logprob === 'number' && logprob < 0)).toBe(true)
  })

  test('a cancelled turn makes no further call, wherever it is', async () => {
    for (const steps of [0, 1, 3]) {
      let calls = 0
      const { scheduler, events } = setUp({ onCall: () => calls++ })
      const endless = { ...job(1).sampling, logitBias: [[END, -100]] as const }
      scheduler.add(
        job(1, { maxTokens: 1000, sampling: endless }),
        Array.from({ length: 2 * CHUNK }, () => 97),
      )
      for (let i = 0; i < steps; i++) await scheduler.step()
      scheduler.cancel(1)
      const [before, said] = [calls, events.length]
      expect(scheduler.idle).toBe(true)
      await scheduler.step()
      expect(calls).toBe(before)
      expect(events.length).toBe(said)
    }
  })

  test('numbers that are not finite end their turn only', async () => {
    const { scheduler, finish, done, errors } = setUp()
    scheduler.add(job(1), bytes('good'))
    scheduler.add(job(2), bytes(`bad${NOT_A_NUMBER}`))
    await finish()
    expect(errors(2)).toMatchObject([{ code: 'engine_non_finite' }])
    expect(done(2)).toEqual([])
    expect(done(1).map(facts)).toEqual((await alone(job(1), bytes('good'))).facts)
  })

  test('a model that throws ends what it was working on, and the next turn works', async () => {
    const { scheduler, finish, done, errors } = setUp()
    scheduler.add(job(1), bytes(`bad${THROWS}`))
    await finish()
    expect(errors(1)).toMatchObject([{ code: 'engine_failed' }])
    scheduler.add(job(2), bytes('good'))
    await finish()
    expect(done(2)).toHaveLength(1)
  })
})
