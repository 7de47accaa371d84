/** Early exits of the engine: drafts that the whole model verifies, and tokens that nobody verifies where that was asked for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { openText, type TextCodec } from '../../../runtime/text.ts'
import { withEarlierPages, type Checkpoint, type SessionState } from '../../../server/checkpoint.ts'
import { ExitDrafter, marginOf, measuredExit, thresholdAt } from '../../../server/engine/exit-drafter.ts'
import type { EngineEvent, Job } from '../../../server/engine/messages.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import type { Runner } from '../../../server/engine/runner.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { WITH_EXIT, type WithExit, writeExitBundle } from '../../support/exit-bundle.ts'
import { bytes, plainSampling, readers, replayJob, turnJob } from '../../support/jobs.ts'

const END = 259

async function open(folder: string): Promise<{ runner: Runner; codec: TextCodec }> {
  const bundle = await loadBundle(folder)
  const [graph, early] = await Promise.all(
    ['decoder.onnx', 'early.onnx'].map((file) => openGraph(bundle.path(file), { threads: 1 })),
  )
  const runner = createOrtRunner(bundle, graph!, 4, 0, early)
  runner.exit = measuredExit(bundle.manifest.early!, { draft: 0.1, verify: 0.1 }, 15)
  return { runner, codec: openText(bundle.dir) }
}

async function run(
  { runner, codec }: Awaited<ReturnType<typeof open>>,
  jobs: readonly (readonly [Job, readonly number[]])[],
) {
  const events: EngineEvent[] = []
  const scheduler = new Scheduler(runner, codec, (said) => events.push(...said))
  for (const [job, prompt] of jobs) scheduler.add(job, prompt)
  while (!scheduler.idle) await scheduler.step()
  expect(events.filter(({ kind }) => kind === 'error')).toEqual([])
  return jobs.map(([{ id }]) => readers(events).done(id)[0]!)
}

const stateOf = (checkpoint: Checkpoint | null, base: Checkpoint | null): SessionState =>
  withEarlierPages((checkpoint as Checkpoint).state, base?.state ?? null)

/** Comparing large arrays with toEqual is slow. */
const sameBytes = (one: SessionState, other: SessionState): boolean =>
  Buffer.compare(one.fixed, other.fixed) === 0 &&
  one.pages.length === other.pages.length &&
  one.pages.every((page, at) => Buffer.compare(page, other.pages[at]!) === 0)

describe.each(Object.keys(WITH_EXIT) as WithExit[])('exits of %s', (name) => {
  let [folder, sure] = ['', '']
  beforeAll(async () => {
    folder = await writeExitBundle(mkdtempSync(join(tmpdir(), 'mneme-')), name)
    sure = await writeExitBundle(mkdtempSync(join(tmpdir(), 'mneme-')), name, { embeddings: 30 })
    return () => [folder, sure].forEach((one) => rmSync(one, { recursive: true }))
  })

  test('a reply has the tokens that it has without, greedy and sampled, with other prompts beside it or not', async () => {
    const model = await open(folder)
    const seen = { accepted: 0, rejected: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        fc.integer({ min: 20, max: 60 }),
        fc.nat(100),
        fc.constantFrom(0, 0.7, 1),
        fc.constantFrom(1, 1.3),
        fc.boolean(),
        async (prompt, length, seed, temperature, repetitionPenalty, beside) => {
          const sampling = { ...plainSampling, temperature, seed, repetitionPenalty, logitBias: [[END, -100]] as const }
          const job = turnJob(1, { maxTokens: length, sampling })
          const ids = [...prompt]
          const [plain] = await run(model, [[{ ...job, exit: false }, ids]])
          const noise = turnJob(2, { maxTokens: 12, sampling })
          const asked = { ...job, exit: true }
          const [with_] = await run(
            model,
            beside
              ? [
                  [asked, ids],
                  [noise, bytes('and beside it')],
                ]
              : [[asked, ids]],
          )
          expect(with_?.generated).toEqual(plain?.generated)
          expect(with_?.checkpoint?.position).toBe(plain?.checkpoint?.position)
          expect(plain?.exits).toBeNull()
          const { drafted, accepted, unverified } = with_!.exits!
          expect(unverified).toBe(0)
          seen.accepted += accepted
          seen.rejected += drafted - accepted
        },
      ),
      { numRuns: 10 },
    )
    expect(seen.accepted).toBeGreaterThan(0)
    expect(seen.rejected).toBeGreaterThan(0)
    model.runner.close()
  })

  test.each([true, 0.5])(
    'a replay of turns with exits (%s), one after the other, has the bits of their states',
    async (exit) => {
      const model = await open(sure)
      const sampling = { ...plainSampling, temperature: 0, logitBias: [[END, -100]] as const }
      let [base, again]: [Checkpoint | null, Checkpoint | null] = [null, null]
      for (const at of [1, 2, 3]) {
        const prompt = bytes(`turn ${at} of a conversation`)
        const [turn] = await run(model, [[turnJob(1, { maxTokens: 40, sampling, from: base, exit }), prompt]])
        const { generated, calls, checkpoint } = turn!
        expect(calls?.some((length) => length > 1)).toBe(true)
        const other = await open(sure)
        const [replayed] = await run(other, [
          [replayJob(3, { from: again, steps: generated.slice(0, -1), calls }), prompt],
        ])
        const state = stateOf(checkpoint, base)
        expect(sameBytes(stateOf(replayed!.checkpoint, again), state)).toBe(true)
        base = { ...checkpoint!, state }
        again = { ...replayed!.checkpoint!, state: stateOf(replayed!.checkpoint, again), pending: base.pending }
        other.runner.close()
      }
      model.runner.close()
    },
  )

  test('a lossy reply says how many of its tokens were not verified, and ends where it was to end', async () => {
    const model = await open(sure)
    const sampling = { ...plainSampling, temperature: 0, logitBias: [[END, -100]] as const }
    const job = (exit: number | false) => turnJob(1, { maxTokens: 30, sampling, exit })
    const [lossy] = await run(model, [[job(0.5), bytes('a prompt')]])
    const [plain] = await run(model, [[job(false), bytes('a prompt')]])
    expect(lossy!.generated).toHaveLength(30)
    expect(lossy!.reason).toBe('length')
    expect(lossy!.exits).toMatchObject({ after: 2, threshold: 0.5, drafted: 0 })
    expect(lossy!.exits!.unverified).toBeGreaterThan(0)
    expect(lossy!.exits!.unverified).toBeLessThanOrEqual(30)
    expect(lossy!.checkpoint!.position).toBe(plain!.checkpoint!.position)
    model.runner.close()
  })
})

test('nobody asked: an exit drafts where it was found to pay and drafts are on, else not', async () => {
  const folder = await writeExitBundle(mkdtempSync(join(tmpdir(), 'mneme-')), 'vanilla', { agreement: 0.9 })
  const model = await open(folder)
  const drafts = { maxTokens: 15, prediction: null, history: [] }
  const exitsOf = async (changes: object) => (await run(model, [[turnJob(1, changes), bytes('a prompt')]]))[0]!.exits
  expect(model.runner.exit).toMatchObject({ pays: true })
  expect(await exitsOf({ drafts })).not.toBeNull()
  expect(await exitsOf({})).toBeNull()
  expect(await exitsOf({ drafts, exit: false })).toBeNull()
  model.runner.exit = { ...model.runner.exit!, pays: false }
  expect(await exitsOf({ drafts })).toBeNull()
  model.runner.close()
  rmSync(folder, { recursive: true })
})

describe('what decides', () => {
  test("CALM's threshold falls from the first token on, and stays between 0 and 1", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 4096 }), (threshold, most) => {
        const all = Array.from({ length: Math.min(most, 200) }, (_, token) => thresholdAt(threshold, token, most))
        expect(all[0]).toBeCloseTo(0.9 * threshold + 0.1, 12)
        for (const [at, one] of all.entries()) {
          expect(one).toBeLessThanOrEqual(at === 0 ? 1 : all[at - 1]!)
          expect(one).toBeGreaterThanOrEqual(0.9 * threshold)
        }
      }),
    )
  })

  test('the margin is the difference between the two largest probabilities', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 2, maxLength: 50 }), (logits) => {
        const weights = logits.map((logit) => Math.exp(logit))
        const sum = weights.reduce((a, b) => a + b)
        const [first, second] = weights.map((weight) => weight / sum).toSorted((a, b) => b - a)
        expect(marginOf(Float32Array.from(logits))).toBeCloseTo(first! - second!, 5)
      }),
    )
  })

  test('an exit pays where its best draft gains a tenth of the time', () => {
    const cost = { draft: 0.2, verify: 0.16 }
    expect(measuredExit({ after: 6, agreement: 0.7 }, cost, 15)).toMatchObject({ pays: true })
    expect(measuredExit({ after: 6, agreement: 0.35 }, cost, 15)).toMatchObject({ pays: false, speed: 1 })
    const [one, two] = [(1 + 0.7) / 1.36, (1 + 0.7 + 0.49) / 1.72]
    expect(measuredExit({ after: 6, agreement: 0.7 }, cost, 15).speed).toBeCloseTo(Math.max(one, two), 1)
  })

  test('drafts that are wrong again and again end for a while, and are tried again', () => {
    const drafter = new ExitDrafter(measuredExit({ after: 2, agreement: 0.9 }, { draft: 0.2, verify: 0.16 }, 15), null)
    const called = Array.from({ length: 60 }, () => {
      const begun = drafter.begin()
      if (begun && drafter.joins(0.9)) drafter.settle(0)
      return begun
    })
    expect(called[0]).toBe(true)
    expect(called.filter(Boolean).length).toBeLessThan(20)
    expect(called.slice(30)).toContain(true)
  })

  test('drafts that are right go on', () => {
    const drafter = new ExitDrafter(measuredExit({ after: 2, agreement: 0.9 }, { draft: 0.2, verify: 0.16 }, 15), null)
    for (let call = 0; call < 60; call++) {
      expect(drafter.begin()).toBe(true)
      expect(drafter.joins(0.9)).toBe(true)
      drafter.settle(1)
    }
    expect(drafter.counts).toMatchObject({ drafted: 60, accepted: 60 })
  })
})
