import { rmSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { openText, type TextCodec } from '../../../runtime/text.ts'
import { withEarlierPages, type Checkpoint, type SessionState } from '../../../server/checkpoint.ts'
import type { EngineEvent, Job, TurnJob } from '../../../server/engine/messages.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import type { Runner } from '../../../server/engine/runner.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { writeAttentionBundle } from '../../support/attention-bundle.ts'
import { bytes, plainSampling, readers, replayJob, turnJob } from '../../support/jobs.ts'
import { TINY, writeTinyBundle, type Tiny } from '../../support/tiny-bundle.ts'
import { TINY_PUBLISHED, writeTinyPublished, type TinyPublished } from '../../support/tiny-published.ts'

const END = 259

async function open(folder: string): Promise<{ runner: Runner; codec: TextCodec }> {
  const bundle = await loadBundle(folder)
  const graph = await openGraph(bundle.path('decoder.onnx'), { threads: 1 })
  return { runner: createOrtRunner(bundle, graph, 4), codec: openText(bundle.dir) }
}

/** Runs jobs together; returns how each ended. */
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

/** A turn whose drafts come from `prediction`. */
const drafted = (job: TurnJob, prediction: readonly number[]): TurnJob => ({
  ...job,
  drafts: { maxTokens: 15, prediction, history: [] },
})

/** What a model will say, wrong at every so many tokens. */
const almost = (generated: readonly number[], every: number): number[] =>
  generated.map((token, at) => (at % every === every - 1 ? (token + 1) % 250 : token))

const writers: Record<string, (folder: string) => Promise<string>> = {
  attention: writeAttentionBundle,
  ...Object.fromEntries(
    (Object.keys(TINY) as Tiny[]).map((name) => [name, (folder: string) => writeTinyBundle(folder, name)]),
  ),
  ...Object.fromEntries(
    (Object.keys(TINY_PUBLISHED) as TinyPublished[]).map((name) => [
      name,
      (folder: string) => writeTinyPublished(folder, name),
    ]),
  ),
}

// What the layers of `attention` compute depends on the calls by far, so that a replay of other calls is seen: its replies
// are others with drafts than without.
const faithful = Object.keys(writers).filter((name) => name !== 'attention')

describe.each(faithful)('drafts of %s', (name) => {
  let folder: string
  beforeAll(async () => {
    folder = await writers[name]!(mkdtempSync(join(tmpdir(), 'mneme-')))
    return () => rmSync(folder, { recursive: true })
  })

  test('a reply has the tokens that it has without, greedy and sampled', async () => {
    const model = await open(folder)
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 40, max: 90 }),
        fc.integer({ min: 4, max: 20 }),
        fc.nat(100),
        fc.constantFrom(0, 1),
        fc.boolean(),
        async (length, every, seed, temperature, beside) => {
          const sampling = { ...plainSampling, temperature, seed, logitBias: [[END, -100]] as const }
          const job = turnJob(1, { maxTokens: length, sampling })
          const prompt = bytes('a prompt that is read first')
          const [plain] = await run(model, [[job, prompt]])
          const noise = drafted(turnJob(2, { maxTokens: 50, sampling }), bytes('something else'))
          const jobs = [[drafted(job, almost(plain!.generated, every)), prompt] as const]
          const [with_] = await run(model, beside ? [...jobs, [noise, bytes('and beside it')]] : jobs)
          expect(with_?.generated).toEqual(plain?.generated)
          expect(with_?.checkpoint?.position).toBe(plain?.checkpoint?.position)
          accepted += with_?.drafts?.accepted ?? 0
        },
      ),
      { numRuns: 12 },
    )
    expect(accepted).toBeGreaterThan(20)
  })
})

describe.each(Object.keys(writers))('drafts of %s on ONNX Runtime', (name) => {
  let folder: string
  beforeAll(async () => {
    folder = await writers[name]!(mkdtempSync(join(tmpdir(), 'mneme-')))
    return () => rmSync(folder, { recursive: true })
  })

  test('a replay of the calls of turns, one after the other, has the bits of their states', async () => {
    const model = await open(folder)
    const sampling = { ...plainSampling, temperature: 0, logitBias: [[END, -100]] as const }
    let [base, again]: [Checkpoint | null, Checkpoint | null] = [null, null]
    for (const [at, every] of [5, 3, 40].entries()) {
      const job = turnJob(1, { maxTokens: 70, sampling, from: base })
      const prompt = bytes(`turn ${at} of a conversation`)
      const [plain] = await run(model, [[job, prompt]])
      const [turn] = await run(model, [[drafted(job, almost(plain!.generated, every)), prompt]])
      const { generated, calls, checkpoint } = turn!
      expect(calls?.some((length) => length > 1)).toBe(true)
      expect(turn?.drafts?.accepted).toBeLessThan(turn!.drafts!.tokens)
      const other = await open(folder)
      const replay = replayJob(3, { from: again, steps: generated.slice(0, -1), calls })
      const [replayed] = await run(other, [[replay, prompt]])
      const state = stateOf(checkpoint, base)
      expect(stateOf(replayed!.checkpoint, again)).toEqual(state)
      base = { ...checkpoint!, state }
      again = { ...replayed!.checkpoint!, state: stateOf(replayed!.checkpoint, again), pending: base.pending }
      other.runner.close()
    }
  })
})
