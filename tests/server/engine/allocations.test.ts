/** Garbage of the decode loop: it is bounded for each token, and does not grow with the vocabulary. */
import { describe, expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { openText } from '../../../runtime/text.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import type { Row, Runner } from '../../../server/engine/runner.ts'
import type { Sampling } from '../../../server/engine/sampler.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { allocationsOf } from '../../support/allocations.ts'
import { byteCodec } from '../../support/fake-model.ts'
import { turnJob } from '../../support/jobs.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { writeTinyBundle } from '../../support/tiny-bundle.ts'

const TOKENS = 300
/**
 * Of a token: its event, its text, its random numbers; with penalties a few bytes for each different token before it.
 * Logits of 49,152 tokens are 196,608 bytes.
 */
const BYTES_A_TOKEN = 32_000

const greedy = { ...turnJob(1).sampling, temperature: 0 }
const kinds: [name: string, sampling: Sampling][] = [
  ['greedy', greedy],
  ['temperature', { ...greedy, temperature: 0.8 }],
  ['temperature and top_k', { ...greedy, temperature: 0.8, topK: 40 }],
  ['top_p', { ...greedy, temperature: 1, topP: 0.9 }],
  ['min_p', { ...greedy, temperature: 1, minP: 0.05 }],
  ['penalties', { ...greedy, temperature: 1, topP: 0.9, repetitionPenalty: 1.1, frequencyPenalty: 0.2 }],
]

/** Gives the same logits again and again, and allocates nothing for them. */
function quietRunner(vocab: number): Runner {
  const logits = Float32Array.from(
    { length: vocab },
    (_, id) => (id >= 97 && id < 123 ? 9 : 0) + Math.sin(id * 12.9898) * 3,
  )
  logits[256] = -100 // the end
  const row: Row = { owner: '' }
  const state = { fixed: new Uint8Array(16), pages: [], firstPage: 0 }
  return {
    vocab,
    stateBytes: 16,
    rows: 1,
    experts: 0,
    batchMatters: false,
    prefillChunk: 64,
    open: () => row,
    step: async (segments) => segments.map(() => ({ logits })),
    accept: (_, count) => count,
    save: () => state,
    release: () => undefined,
    forget: () => undefined,
    close: () => undefined,
  }
}

function quietScheduler(vocab: number, runner = quietRunner(vocab)): Scheduler {
  return new Scheduler(runner, { ...byteCodec, vocabSize: vocab }, () => undefined)
}

/** Of three rounds: garbage comes in each of them, what is made once or by something else does not. */
async function leastAllocations(step: () => Promise<void>) {
  const rounds = []
  for (let round = 0; round < 3; round++) rounds.push(await allocationsOf(TOKENS / 3, step))
  return {
    heap: Math.min(...rounds.map(({ heap }) => heap)),
    buffers: Math.min(...rounds.map(({ buffers }) => buffers)),
  }
}

/** What a token allocates once the reply is under way. */
async function perToken(scheduler: Scheduler, sampling: Sampling) {
  scheduler.add(turnJob(1, { sampling, maxTokens: 2 * TOKENS + 10, keep: false }), [104, 105])
  for (let i = 0; i < TOKENS; i++) await scheduler.step()
  const found = await leastAllocations(() => scheduler.step())
  expect(scheduler.idle).toBe(false)
  return found
}

describe.each(kinds)('sampling by %s', (_, sampling) => {
  test('allocates little for a token, whatever the size of the vocabulary', async () => {
    for (const vocab of [512, 49_152, 262_144]) {
      const { heap, buffers } = await perToken(quietScheduler(vocab), sampling)
      expect([vocab, heap]).toEqual([vocab, expect.toSatisfy((bytes: number) => bytes > 0 && bytes < BYTES_A_TOKEN)])
      expect([vocab, buffers]).toEqual([vocab, expect.toSatisfy((bytes: number) => bytes < 1_000)])
    }
  })
})

test('models of two vocabularies that take turns in a thread allocate no more than each alone', async () => {
  const schedulers = [512, 49_152].map((vocab) => quietScheduler(vocab))
  for (const one of schedulers) one.add(turnJob(1, { sampling: kinds[3]![1], maxTokens: 2 * TOKENS }), [104])
  const both = async (): Promise<void> => {
    for (const one of schedulers) await one.step()
  }
  await both()
  const { heap, buffers } = await leastAllocations(both)
  expect(heap).toBeLessThan(2 * BYTES_A_TOKEN)
  expect(buffers).toBeLessThan(1_000)
})

test('a token through ONNX Runtime allocates little, and nothing of the size of logits or state', async () => {
  const bundle = await loadBundle(await writeTinyBundle(temporaryFolder(), 'delta'))
  const graph = await openGraph(bundle.path('decoder.onnx'), { threads: 1 })
  const runner = createOrtRunner(bundle, graph, 1)
  const sampling = { ...greedy, temperature: 0.8, logitBias: [[259, -100]] as const }
  const { heap, buffers } = await perToken(new Scheduler(runner, openText(bundle.dir), () => undefined), sampling)
  runner.close()
  expect(heap).toBeLessThan(2 * BYTES_A_TOKEN)
  expect(buffers).toBeLessThan(1_000)
})

test('garbage is seen: one copy of the logits for each token is far above the bound', async () => {
  const runner = quietRunner(49_152)
  const wasteful: Runner = {
    ...runner,
    step: async (segments) =>
      (await runner.step(segments)).map((one) => ('logits' in one ? { logits: one.logits.slice() } : one)),
  }
  const { heap, buffers } = await perToken(quietScheduler(49_152, wasteful), greedy)
  expect(Math.max(heap, buffers)).toBeGreaterThan(5 * BYTES_A_TOKEN)
})
