/** Where a token computed alone has other last bits than beside others, what was computed how is kept, and done again. */
import * as fc from 'fast-check'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import type { Checkpoint } from '../../../server/checkpoint.ts'
import { withEarlierPages } from '../../../server/checkpoint.ts'
import type { DoneEvent, EngineEvent, Job } from '../../../server/engine/messages.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import { BESIDE } from '../../../server/engine/prefill-calls.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { bundlePublished } from '../../../exporter/import/import.ts'
import { idTokenizer } from '../../../exporter/import/id-tokenizer.ts'
import { readPublishedConfig } from '../../../exporter/import/published-config.ts'
import { randomPublished, SMALL_CONFIG } from '../../support/random-published.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { writeAttentionBundle } from '../../support/attention-bundle.ts'
import { byteCodec, createFakeRunner } from '../../support/fake-model.ts'
import { bytes, readers, replayJob, turnJob } from '../../support/jobs.ts'

type Entry = readonly [job: Job, prompt: readonly number[], steps: number]

/** Runs jobs, each of which comes some steps after the one before; returns how each one ended. */
async function run(scheduler: Scheduler, events: EngineEvent[], jobs: readonly Entry[]): Promise<DoneEvent[]> {
  for (const [job, prompt, steps] of jobs) {
    for (let step = 0; step < steps; step++) await scheduler.step()
    scheduler.add(job, prompt)
  }
  while (!scheduler.idle) await scheduler.step()
  return jobs.map(([{ id }]) => readers(events).done(id)[0] as DoneEvent)
}

function fakeScheduler(batchMatters: boolean) {
  const events: EngineEvent[] = []
  const runner = createFakeRunner({ append: true, batchMatters, prefillChunk: 8 })
  return { events, scheduler: new Scheduler(runner, byteCodec, (said) => events.push(...said)) }
}

const whole = ({ state, ...rest }: Checkpoint, base: Checkpoint | null): Checkpoint => ({
  ...rest,
  state: withEarlierPages(state, base?.state ?? null),
})
const sampling = { ...turnJob(1).sampling, logitBias: [[256, -100]] as const }
const turn = fc.record({
  prompt: fc.string({ minLength: 1, maxLength: 30 }),
  maxTokens: fc.integer({ min: 1, max: 20 }),
  after: fc.nat(12),
})

test('a replay makes the state of a turn that was computed now alone and now beside others, whoever runs beside it', async () => {
  let mixed = 0
  await fc.assert(
    fc.asyncProperty(fc.array(turn, { minLength: 1, maxLength: 5 }), fc.nat(4), async (turns, noise) => {
      const { events, scheduler } = fakeScheduler(true)
      const jobs = turns.map(({ prompt, maxTokens, after }, i): Entry => {
        return [turnJob(i + 1, { sampling, maxTokens }), bytes(prompt), after]
      })
      const done = await run(scheduler, events, jobs)
      for (const [i, { calls, generated, checkpoint, prefillCalls }] of done.entries()) {
        if (calls?.includes(BESIDE) === true && calls.includes(1)) mixed++
        const again = fakeScheduler(true)
        const steps = generated.slice(0, -1)
        const others = Array.from({ length: noise }, (_, at): Entry => {
          return [turnJob(100 + at, { sampling, maxTokens: 12 }), bytes('noise'), at]
        })
        const replay: Entry = [replayJob(50, { steps, calls, prefillCalls }), bytes(turns[i]!.prompt), 1]
        const [replayed] = (await run(again.scheduler, again.events, [...others, replay])).slice(-1)
        expect(whole(replayed!.checkpoint!, null).state).toEqual(whole(checkpoint!, null).state)
      }
    }),
  )
  expect(mixed).toBeGreaterThan(0)
})

test('where it does not matter, nothing of it is kept', async () => {
  const { events, scheduler } = fakeScheduler(false)
  const jobs = [1, 2, 3].map((id): Entry => [turnJob(id, { sampling, maxTokens: 9 }), bytes(`prompt ${id}`), 1])
  for (const { calls } of await run(scheduler, events, jobs)) expect(calls).toBeNull()
})

test('a token that is to be computed as beside others has the bits of a call with two rows', async () => {
  const folder = await writeAttentionBundle(mkdtempSync(join(tmpdir(), 'mneme-')))
  const bundle = await loadBundle(folder)
  const runner = createOrtRunner(bundle, await openGraph(bundle.path('decoder.onnx'), { threads: 1 }), 4)
  const [one, other, again] = [0, 1, 2].map(() => runner.open('', null, 0)) as [never, never, never]
  for (let id = 65; id < 75; id++) {
    const both = [one, other].map((row, i) => ({ row, ids: [id + i], use: 'decode' as const, logits: 'last' as const }))
    const results = await runner.step(both)
    expect(results.map((result) => 'beside' in result && result.beside)).toEqual([true, true])
    const expected = 'logits' in results[0]! ? results[0].logits.slice() : null
    for (const use of ['prefill', 'decode'] as const) {
      if (use === (id % 2 === 0 ? 'prefill' : 'decode')) continue
      const [result] = await runner.step([{ row: again, ids: [id], use, beside: true, logits: 'last' }])
      expect(result).toEqual({ logits: expected, beside: true })
    }
    // What runs alone in between does not disturb it.
    const alone = runner.open('', null, 0)
    const [single] = await runner.step([{ row: alone, ids: [id], use: 'decode', logits: 'last' }])
    expect(single && 'beside' in single ? single.beside : false).toBe(false)
    runner.release(alone)
  }
  expect(runner.save(again, 0)).toEqual(runner.save(one, 0))
  runner.close()
  rmSync(folder, { recursive: true })
})

test.each([2, 3, 4, 5])(
  'in 4 bits a token has the bits of a call with two rows among %d sequences, too',
  async (count) => {
    const out = temporaryFolder()
    const config = { ...SMALL_CONFIG, model_type: 'llama' }
    const read = randomPublished(readPublishedConfig(config), idTokenizer(64), 'random weights')
    await bundlePublished({ source: 'random', out, quantization: 'int4' }, read)
    const bundle = await loadBundle(out)
    const runner = createOrtRunner(bundle, await openGraph(bundle.path('decoder.onnx'), { threads: 1 }), 8)
    runner.batchMatters = true
    const rows = Array.from({ length: count }, () => runner.open('', null, 0))
    const again = rows.map(() => runner.open('', null, 0))
    for (let id = 1; id < 5; id++) {
      const idOf = (at: number): number => (id * 13 + at * 7) % 64
      const steps = rows.map((row, at) => ({ row, ids: [idOf(at)], use: 'decode' as const, logits: 'last' as const }))
      const together = (await runner.step(steps)).map((result) => ('logits' in result ? result.logits.slice() : null))
      for (const [at, row] of again.entries()) {
        const [result] = await runner.step([{ row, ids: [idOf(at)], use: 'decode', beside: true, logits: 'last' }])
        expect([at, result]).toEqual([at, { logits: together[at], beside: true }])
      }
    }
    runner.close()
  },
)
