import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TurnJob } from '../../../server/engine/messages.ts'
import { NOT_A_NUMBER, THROWS } from '../../support/fake-model.ts'
import { alone, bytes, endless, facts, fakeScheduler, replayJob, turnJob } from '../../support/jobs.ts'

const CHUNK = 64
const letters = (count: number): number[] => Array.from({ length: count }, (_, i) => 97 + (i % 26))

describe('the scheduler', () => {
  test('whatever is added, cancelled or fails at any await of the runner, every survivor computes what it computes alone', async () => {
    const turn = fc.record({
      prompt: fc.string({ minLength: 1, maxLength: 150 }).filter((text) => bytes(text).every((byte) => byte > 4)),
      maxTokens: fc.integer({ min: 0, max: 12 }),
      choices: fc.integer({ min: 1, max: 3 }),
      owner: fc.constantFrom('a', 'b', 'c'),
      breaks: fc.constantFrom('', '', '', NOT_A_NUMBER, THROWS),
      drafts: fc.constantFrom(null, { maxTokens: 15, prediction: bytes('ab cd'), history: [] }),
    })
    const action = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), at: fc.nat(11) }),
      fc.record({ kind: fc.constant('cancel' as const), at: fc.nat(11) }),
      fc.constant({ kind: 'nothing' as const, at: 0 }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(turn, { minLength: 1, maxLength: 12 }),
        fc.array(action, { maxLength: 60 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (turns, actions, rows, append) => {
          const jobs = turns.map(({ maxTokens, choices, owner, drafts }, i) =>
            turnJob(i + 1, { maxTokens, choices, owner, drafts }),
          )
          const prompts = turns.map(({ prompt, breaks }) => bytes(prompt + breaks))
          const [added, cancelled] = [new Set<number>(), new Set<number>()]
          const script = [...actions]
          const act = (): void => {
            const next = script.shift()
            const at = next ? next.at % jobs.length : 0
            if (next?.kind === 'cancel' && added.has(at)) {
              cancelled.add(at)
              scheduler.cancel(at + 1)
            }
            if (next?.kind !== 'add' || added.has(at)) return
            added.add(at)
            scheduler.add(jobs[at] as TurnJob, prompts[at] as number[])
          }
          const pause = async (): Promise<void> => {
            for (let i = 0; i < 3; i++) {
              await new Promise<void>((resolve) => setImmediate(resolve))
              act()
            }
          }
          const { scheduler, events, done, errors, text } = fakeScheduler({ rows, append, pause })
          added.add(0)
          scheduler.add(jobs[0] as TurnJob, prompts[0] as number[])
          while (!scheduler.idle || script.length > 0) {
            if (scheduler.idle) act()
            else await scheduler.step()
          }
          for (const at of added) {
            const job = jobs[at] as TurnJob
            const expected = await alone({ ...job, drafts: null }, prompts[at] as number[], { append })
            if (cancelled.has(at)) {
              // It may have ended before it was cancelled; what it said is then what it says alone.
              for (const fact of facts(done(job.id))) expect(expected.facts).toContainEqual(fact)
              continue
            }
            expect(errors(job.id)).toEqual(expected.errors)
            expect(facts(done(job.id))).toEqual(expected.facts)
            if (job.choices === 1) expect(text(job.id)).toBe(expected.text)
          }
          for (const { id } of events) expect(added.has(id - 1)).toBe(true)
        },
      ),
      { numRuns: 150 },
    )
  })

  test('a job that was cancelled during a step says nothing more', async () => {
    for (const steps of [0, 1, 2, 5]) {
      let cancel = false
      const pause = async (): Promise<void> => {
        if (cancel) scheduler.cancel(1)
      }
      const { scheduler, events } = fakeScheduler({ pause })
      scheduler.add(turnJob(1, { maxTokens: 1000, sampling: endless }), letters(2 * CHUNK))
      for (let i = 0; i < steps; i++) await scheduler.step()
      const said = events.filter(({ kind }) => kind !== 'started').length
      cancel = true
      await scheduler.step()
      expect(scheduler.idle).toBe(true)
      expect(events.filter(({ kind }) => kind !== 'started')).toHaveLength(said)
    }
  })

  test('a failing reply of three takes its own job with it, and no other', async () => {
    const { scheduler, finish, done, errors } = fakeScheduler({ rows: 4 })
    // Of the bytes that the three choices sample, the fake chokes on this one.
    const breaking = { ...turnJob(2).sampling, logitBias: [[THROWS.charCodeAt(0), 36]] as const, seed: 2 }
    scheduler.add(turnJob(1, { maxTokens: 20 }), bytes('good'))
    scheduler.add(turnJob(2, { choices: 3, maxTokens: 40, sampling: breaking }), bytes('bad'))
    scheduler.add(turnJob(3, { maxTokens: 20 }), bytes('good too'))
    await finish()
    expect(errors(2)).toMatchObject([{ code: 'engine_failed' }])
    for (const [id, prompt] of [
      [1, 'good'],
      [3, 'good too'],
    ] as const) {
      expect(errors(id)).toEqual([])
      expect(facts(done(id))).toEqual((await alone(turnJob(id, { maxTokens: 20 }), bytes(prompt))).facts)
    }
  })

  test('a prompt is prefilled in chunks of its job counted from its start, whatever else runs', async () => {
    for (const prefillChunk of [64, 7]) {
      const calls: number[] = []
      const { scheduler, finish } = fakeScheduler({
        onCall: ({ kind, ids }) => kind === 'prefill' && calls.push(ids.length),
      })
      scheduler.add(turnJob(1, { maxTokens: 1, prefillChunk }), letters(2 * prefillChunk + 5))
      await finish()
      expect(calls).toEqual([prefillChunk, prefillChunk, 5])
    }
  })

  test('at most one chunk of a prompt runs between two tokens of a reply', async () => {
    const calls: string[] = []
    const { scheduler, finish } = fakeScheduler({ onCall: ({ kind }) => calls.push(kind) })
    scheduler.add(turnJob(1, { maxTokens: 30, sampling: endless }), bytes('x'))
    while (!calls.includes('decode')) await scheduler.step()
    scheduler.add(turnJob(2, { maxTokens: 1 }), letters(5 * CHUNK))
    await finish()
    expect(calls.join(' ')).not.toContain('prefill prefill')
  })

  test('a long prompt says how far it is', async () => {
    const { scheduler, finish, events } = fakeScheduler()
    scheduler.add(turnJob(1, { maxTokens: 1 }), letters(2 * CHUNK + 1))
    await finish()
    expect(events.filter(({ kind }) => kind === 'progress')).toEqual([
      { kind: 'progress', id: 1, prefilled: CHUNK, total: 2 * CHUNK + 1 },
      { kind: 'progress', id: 1, prefilled: 2 * CHUNK, total: 2 * CHUNK + 1 },
    ])
  })

  test('a continued turn feeds what was sampled last, then its own prompt', async () => {
    const [first] = (await alone(turnJob(1), bytes('hello'))).facts
    const checkpoint = first?.checkpoint
    expect(checkpoint?.pending[0]).toBe(first?.generated.at(-1))
    const fed: number[][] = []
    const onCall = ({ kind, ids }: { kind: string; ids: readonly number[] }) => kind === 'prefill' && fed.push([...ids])
    const { scheduler, finish, done } = fakeScheduler({ onCall })
    scheduler.add(turnJob(2, { from: checkpoint ?? null, maxTokens: 0 }), bytes('more'))
    await finish()
    expect(fed).toEqual([[...(checkpoint?.pending ?? []), ...bytes('more')]])
    const tokensBefore = (checkpoint?.position ?? 0) + (checkpoint?.pending.length ?? 0)
    expect(done(2)[0]?.checkpoint?.position).toBe(tokensBefore + 4)
  })

  test('a reply that was cut off is closed with the end token for the next turn', async () => {
    const [cut] = (await alone(turnJob(1, { sampling: endless, maxTokens: 3 }), bytes('hello'))).facts
    const end = endless.logitBias[0][0]
    expect(cut).toMatchObject({ reason: 'length', checkpoint: { pending: [cut?.generated[2], end], position: 7 } })
    const forced = { ...endless, logitBias: [[end, 100]] as const }
    const [ended] = (await alone(turnJob(1, { sampling: forced }), bytes('hello'))).facts
    expect(ended).toMatchObject({ reason: 'eos', generated: [end], checkpoint: { pending: [end], position: 5 } })
  })

  test('a replay gives the state of the turn, bit for bit, pages too, also beside others', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 150 }),
        fc.nat(12),
        fc.boolean(),
        fc.constantFrom(64, 10),
        async (prompt, maxTokens, append, prefillChunk) => {
          const parent = (await alone(turnJob(1), bytes('before'), { append })).facts[0]?.checkpoint ?? null
          const job = turnJob(2, { from: parent, maxTokens, prefillChunk })
          const [original] = (await alone(job, bytes(prompt), { append })).facts
          const { scheduler, finish, done } = fakeScheduler({ append })
          scheduler.add(turnJob(7, { maxTokens: 15 }), bytes('noise'))
          const steps = original?.generated.slice(0, -1) ?? []
          scheduler.add(replayJob(3, { from: parent, steps, prefillChunk }), bytes(prompt))
          await finish()
          expect(done(3)[0]?.checkpoint?.state).toEqual(original?.checkpoint?.state)
          expect(done(3)[0]?.checkpoint?.position).toBe(original?.checkpoint?.position)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('a replay feeds several tokens in one call where the turn did', async () => {
    const fed: number[] = []
    const onCall = ({ kind, ids }: { kind: string; ids: readonly number[] }) =>
      kind === 'decode' && fed.push(ids.length)
    const { scheduler, finish, done } = fakeScheduler({ onCall })
    scheduler.add(replayJob(1, { steps: bytes('abcdefg'), calls: [3, 1, 3], gates: { exit: 2 } }), bytes('x'))
    await finish()
    expect(fed).toEqual([3, 1, 3])
    expect(done(1)[0]).toMatchObject({ calls: [3, 1, 3], gates: { exit: 2 }, checkpoint: { position: 8 } })
    const [single] = (await alone(replayJob(2, { steps: bytes('abcdefg') }), bytes('x'))).facts
    expect(done(1)[0]?.checkpoint?.state).toEqual(single?.checkpoint?.state)
  })

  test('log-probabilities of a prompt are those of its tokens, over chunk boundaries too', async () => {
    const { scheduler, finish, events } = fakeScheduler()
    const prompt = letters(CHUNK + 3)
    scheduler.add(turnJob(1, { promptLogprobs: 1, maxTokens: 0 }), prompt)
    await finish()
    const tokens = events.flatMap((e) => (e.kind === 'prompt-logprobs' ? e.tokens : []))
    expect(tokens.map(({ id }) => id)).toEqual(prompt)
    expect(tokens[0]?.logprob).toBeNull()
    expect(tokens.slice(1).every(({ logprob }) => typeof logprob === 'number' && logprob < 0)).toBe(true)
  })

  test('numbers that are not finite end their turn only, also a turn that only reads', async () => {
    const { scheduler, finish, done, errors } = fakeScheduler()
    scheduler.add(turnJob(1), bytes('good'))
    scheduler.add(turnJob(2), bytes(`bad${NOT_A_NUMBER}`))
    scheduler.add(turnJob(3, { maxTokens: 0 }), bytes(`bad${NOT_A_NUMBER}`))
    await finish()
    for (const id of [2, 3]) {
      expect(errors(id)).toMatchObject([{ code: 'engine_non_finite' }])
      expect(done(id)).toEqual([])
    }
    expect(facts(done(1))).toEqual((await alone(turnJob(1), bytes('good'))).facts)
  })

  test('a model that throws ends what it was working on, and the next turn works', async () => {
    const { scheduler, finish, done, errors } = fakeScheduler()
    scheduler.add(turnJob(1), bytes(`bad${THROWS}`))
    await finish()
    expect(errors(1)).toMatchObject([{ code: 'engine_failed' }])
    scheduler.add(turnJob(2), bytes('good'))
    await finish()
    expect(done(2)).toHaveLength(1)
  })
})
