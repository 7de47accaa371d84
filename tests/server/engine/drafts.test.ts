import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DraftOptions } from '../../../server/engine/drafter.ts'
import type { TurnJob } from '../../../server/engine/messages.ts'
import type { FakeOptions } from '../../support/fake-model.ts'
import { END } from '../../support/fake-model.ts'
import { bytes, endless, facts, fakeScheduler, plainSampling, replayJob, turnJob } from '../../support/jobs.ts'

const drafts: DraftOptions = { maxTokens: 15, prediction: null, history: [] }
const LETTERS = bytes('abcdef')

/** Logits by the last token: a chain of six letters that goes round, and now and then elsewhere or to the end. */
function chain(sure: number): NonNullable<FakeOptions['score']> {
  return (history, logits) => {
    logits.fill(-30)
    const last = LETTERS.indexOf(history.at(-1) as number)
    for (const [at, letter] of LETTERS.entries()) logits[letter] = at === (last + 1) % LETTERS.length ? sure : at / 4
    logits[END] = -1
  }
}

/** Runs jobs together; returns what each said, without the times and what became of its drafts. */
async function run(jobs: readonly (readonly [TurnJob, string])[], options: FakeOptions) {
  const fed: number[] = []
  const onCall: FakeOptions['onCall'] = ({ kind, ids }) => kind === 'decode' && fed.push(ids.length)
  const { scheduler, finish, events, done, errors } = fakeScheduler({ append: true, onCall, ...options })
  for (const [job, prompt] of jobs) scheduler.add(job, bytes(prompt))
  await finish()
  const said = jobs.map(([{ id, choices }]) => ({
    facts: facts(done(id)),
    errors: errors(id),
    choices: Array.from({ length: choices }, (_, choice) => {
      const mine = events.filter((event) => 'choice' in event && event.id === id && event.choice === choice)
      return {
        text: mine.map((event) => (event.kind === 'text' ? event.text : '')).join(''),
        logprobs: mine.flatMap((event) => (event.kind === 'text' ? event.tokens : [])),
        // Its calls are others.
        snapshots: mine.flatMap((e) => (e.kind === 'snapshot' ? [{ at: e.position, state: e.state }] : [])),
      }
    }),
  }))
  return { said, fed, done: jobs.flatMap(([{ id }]) => done(id)) }
}

describe('a reply with drafts', () => {
  test('is token for token the reply without, with its text, log-probabilities and states, whatever is asked for', async () => {
    let accepted = 0
    const whole = { messageEnds: [END], cached: 0, afterReply: false, snapshots: true }
    const turn = fc.record({
      prompt: fc.stringMatching(/^[a-f ]{1,40}$/),
      maxTokens: fc.integer({ min: 0, max: 60 }),
      choices: fc.integer({ min: 1, max: 2 }),
      keep: fc.boolean(),
      whole: fc.constantFrom(null, whole),
      stop: fc.constantFrom([], ['fa'], ['abcdefabcdef', 'cc']),
      sampling: fc.record({
        temperature: fc.constantFrom(0, 0.7, 1),
        topP: fc.constantFrom(1, 0.9),
        topK: fc.constantFrom(0, 3),
        minP: fc.constantFrom(0, 0.05),
        frequencyPenalty: fc.constantFrom(0, 0, 0.3),
        presencePenalty: fc.constantFrom(0, 0.5),
        repetitionPenalty: fc.constantFrom(1, 1.2),
        logitBias: fc.constantFrom([], [[99, 2]] as const),
        seed: fc.nat(1000),
        logprobs: fc.constantFrom(null, 2),
      }),
      prediction: fc.constantFrom(null, 'abcdefabcdefabcdef', 'nothing of the kind'),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(turn, { minLength: 1, maxLength: 3 }),
        fc.constantFrom(2, 4, 8),
        fc.integer({ min: 1, max: 3 }),
        async (turns, sure, rows) => {
          const jobs = (options: boolean) =>
            turns.map(({ prompt, prediction, ...changes }, at) => {
              const own = { ...drafts, prediction: prediction === null ? null : bytes(prediction) }
              return [turnJob(at + 1, { ...changes, drafts: options ? own : null }), prompt] as const
            })
          const plain = await run(jobs(false), { score: chain(sure), rows })
          const drafted = await run(jobs(true), { score: chain(sure), rows })
          expect(drafted.said).toEqual(plain.said)
          for (const one of drafted.done) accepted += one.drafts?.accepted ?? 0
        },
      ),
      { numRuns: 120 },
    )
    expect(accepted).toBeGreaterThan(500)
  })

  test('takes fewer calls where it repeats itself, and says how many tokens each fed', async () => {
    const job = turnJob(1, { maxTokens: 100, sampling: { ...endless, temperature: 0 }, drafts })
    const { done, fed } = await run([[job, 'abc']], { score: chain(8) })
    const calls = done[0]?.calls ?? []
    expect(done[0]?.generated.length).toBe(100)
    expect(calls.reduce((sum, length) => sum + length, 0)).toBe(99)
    expect(fed.length).toBeLessThan(25)
    expect(calls).toEqual(fed)
  })

  test('that were never right leaves one token a call, and calls that need not be told', async () => {
    let at = 0
    const words = bytes('the quick brown fox jumps over a lazy dog while six big bold zebras watch from very far away')
    const job = turnJob(1, { maxTokens: 80, sampling: { ...endless, temperature: 0 }, drafts })
    const next: FakeOptions['next'] = () => words[at++] as number
    const { done } = await run([[job, 'x']], { next })
    expect(done[0]?.drafts).toMatchObject({ accepted: 0 })
    expect(done[0]?.drafts?.tokens).toBeLessThan(3)
  })

  test('keeps no token more than without, where it ends within a draft', async () => {
    const prompt = 'abcdefabcdefabcdef'
    const sampling = { ...endless, temperature: 0 }
    for (const [changes, expected] of [
      [{ maxTokens: 9 }, 'abcdefabc'],
      [{ maxTokens: 40, stop: ['def'] }, 'abc'],
    ] as const) {
      const job = turnJob(1, { ...changes, sampling, drafts: { ...drafts, prediction: bytes(prompt) } })
      const { said, done } = await run([[job, prompt]], { score: chain(8) })
      expect(said[0]?.choices[0]?.text).toBe(expected)
      const fed = (done[0]?.generated.length ?? 0) - 1
      expect(done[0]?.checkpoint?.position).toBe(prompt.length + fed)
      expect(done[0]?.drafts?.tokens).toBeGreaterThan(0)
    }
  })

  test('a replay of its calls has its state, also beside others', async () => {
    const job = turnJob(1, { maxTokens: 60, sampling: { ...plainSampling, seed: 4 }, drafts })
    const { done } = await run([[job, 'abcdefab']], { score: chain(4) })
    const [first] = done
    const calls = first?.calls ?? null
    expect(calls?.some((length) => length > 1)).toBe(true)
    const { scheduler, finish, done: replayed } = fakeScheduler({ append: true, score: chain(4) })
    scheduler.add(turnJob(7, { maxTokens: 15 }), bytes('noise'))
    scheduler.add(replayJob(3, { steps: first?.generated.slice(0, -1) ?? [], calls }), bytes('abcdefab'))
    await finish()
    expect(replayed(3)[0]?.checkpoint?.state).toEqual(first?.checkpoint?.state)
  })

  test('is computed a token a call while others decode beside it', async () => {
    const jobs = [1, 2].map((id) => {
      const sampling = { ...endless, temperature: 0 }
      return [turnJob(id, { maxTokens: 50, sampling, drafts }), 'abcdefabc'] as const
    })
    const two = await run(jobs, { score: chain(8) })
    // Before the second has been prefilled, and once the first has ended, there is one.
    expect(two.done.reduce((sum, one) => sum + (one.drafts?.drafts ?? 0), 0)).toBeLessThan(4)
    const one = await run(jobs.slice(0, 1), { score: chain(8) })
    expect(one.done[0]?.drafts?.accepted).toBeGreaterThan(30)
    expect(Math.max(...one.fed)).toBeLessThanOrEqual(16)
  })

  test('has the distribution of the model: of 20,000 tokens, what follows each letter is as likely as its logits say', async () => {
    const seen = new Map<number, number[]>(LETTERS.map((letter) => [letter, LETTERS.map(() => 0)]))
    let accepted = 0
    for (let seed = 0; seed < 40; seed++) {
      const job = turnJob(1, { maxTokens: 500, sampling: { ...endless, seed }, drafts })
      const { done } = await run([[job, 'abcdef']], { score: chain(3) })
      const tokens = [LETTERS.at(-1) as number, ...(done[0]?.generated ?? [])]
      for (let at = 1; at < tokens.length; at++) {
        const counts = seen.get(tokens[at - 1] as number) as number[]
        counts[LETTERS.indexOf(tokens[at] as number)]!++
      }
      accepted += done[0]?.drafts?.accepted ?? 0
    }
    expect(accepted).toBeGreaterThan(2000)
    let statistic = 0
    for (const [letter, counts] of seen) {
      const logits = new Float32Array(END + 4)
      chain(3)([letter], logits)
      const weights = LETTERS.map((id) => Math.exp(logits[id] as number))
      const total = counts.reduce((sum, count) => sum + count, 0)
      const sum = weights.reduce((a, b) => a + b, 0)
      for (const [at, weight] of weights.entries()) {
        const expected = (total * weight) / sum
        statistic += ((counts[at] as number) - expected) ** 2 / expected
      }
    }
    // Chi-squared with 6 times 5 degrees of freedom: 59.7 has a probability of 0.001.
    expect(statistic).toBeLessThan(59.7)
  })
})
