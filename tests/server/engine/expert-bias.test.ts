/** A bias for experts: set for one turn, no part of a state that is saved, and the same again in a replay. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { loadBundle } from '../../../runtime/bundle.ts'
import { stateBytes } from '../../../runtime/manifest.ts'
import { openGraph } from '../../../runtime/open-graph.ts'
import { openText } from '../../../runtime/text.ts'
import { biasIn, gatesOfBias } from '../../../server/engine/expert-bias.ts'
import type { DoneEvent, EngineEvent, Job } from '../../../server/engine/messages.ts'
import { createOrtRunner } from '../../../server/engine/ort-runner.ts'
import type { Runner } from '../../../server/engine/runner.ts'
import { Scheduler } from '../../../server/engine/scheduler.ts'
import { bytes, readers, replayJob, turnJob } from '../../support/jobs.ts'
import { writeTinyBundle } from '../../support/tiny-bundle.ts'

const gates = gatesOfBias([9, -9, -9.1])
const sampling = { ...turnJob(1).sampling, logitBias: [[259, -100]] as const }
let folder: string
beforeAll(async () => {
  folder = await writeTinyBundle(mkdtempSync(join(tmpdir(), 'mneme-')), 'hmst')
  return () => rmSync(folder, { recursive: true })
})

async function open(): Promise<{
  runner: Runner
  run: (jobs: readonly [Job, number[]][]) => Promise<DoneEvent[][]>
  bias: (done: DoneEvent) => Uint8Array
}> {
  const bundle = await loadBundle(folder)
  const runner = createOrtRunner(bundle, await openGraph(bundle.path('decoder.onnx'), { threads: 1 }), 4)
  const codec = openText(bundle.dir)
  const { state } = bundle.manifest
  const at = state.findIndex(({ name }) => name === 'expertBias')
  const from = state.slice(0, at).reduce((sum, entry) => sum + stateBytes(entry), 0)
  return {
    runner,
    async run(jobs) {
      const events: EngineEvent[] = []
      const scheduler = new Scheduler(runner, codec, (said) => events.push(...said))
      for (const [job, prompt] of jobs) scheduler.add(job, prompt)
      while (!scheduler.idle) await scheduler.step()
      expect(events.filter(({ kind }) => kind === 'error')).toEqual([])
      return jobs.map(([{ id }]) => readers(events).done(id))
    },
    bias: (done) => done.checkpoint!.state.fixed.slice(from, from + 12),
  }
}

test('changes what is computed, is not in the saved state, and is the same in a replay', async () => {
  const { runner, run, bias } = await open()
  expect(runner.experts).toBe(3)
  const job = (id: number, changes = {}) =>
    turnJob(id, { sampling: { ...sampling, seed: 5 }, maxTokens: 16, ...changes })
  const prompt = bytes('What is it that the experts know?')
  const [[plain]] = (await run([[job(1), prompt]])) as [[DoneEvent]]
  const [[biased]] = (await run([[job(2, { gates }), prompt]])) as [[DoneEvent]]
  expect(biased.generated).not.toEqual(plain.generated)
  expect(biased.gates).toEqual(gates)
  for (const done of [plain, biased]) expect(bias(done)).toEqual(new Uint8Array(12))
  // Beside others, in a batch, it is the row's own.
  const [[beside], [other]] = (await run([
    [job(3, { gates }), prompt],
    [job(4), prompt],
  ])) as [[DoneEvent], [DoneEvent]]
  expect([beside.generated, other.generated]).toEqual([biased.generated, plain.generated])
  const steps = biased.generated.slice(0, -1)
  const [[replayed]] = (await run([[replayJob(5, { steps, gates }), prompt]])) as [[DoneEvent]]
  expect(Buffer.from(replayed.checkpoint!.state.fixed).equals(Buffer.from(biased.checkpoint!.state.fixed))).toBe(true)
  const [[without]] = (await run([[replayJob(6, { steps }), prompt]])) as [[DoneEvent]]
  expect(Buffer.from(without.checkpoint!.state.fixed).equals(Buffer.from(biased.checkpoint!.state.fixed))).toBe(false)
  // The next turn goes on without it, and each choice of a turn has it.
  const next = job(7, { from: biased.checkpoint })
  const [[went]] = (await run([[next, bytes(' And?')]])) as [[DoneEvent]]
  expect(bias(went)).toEqual(new Uint8Array(12))
  const [choices] = (await run([[job(8, { gates, choices: 2 }), prompt]])) as [DoneEvent[]]
  expect(choices.map(({ generated }) => generated)).toContainEqual(biased.generated)
  runner.close()
})

test('the bias of a turn is stored exactly', () => {
  const bias = [0.1, -3.3, 1e-7]
  const stored = JSON.parse(JSON.stringify(gatesOfBias(bias))) as Record<string, number>
  expect(biasIn(stored)).toEqual(Float32Array.from(bias))
  expect(biasIn({})).toBeNull()
  expect(biasIn({ exit: 2 })).toBeNull()
})

test('a bias for another number of experts is refused', async () => {
  const { runner } = await open()
  expect(() => runner.open('', null, 0, Float32Array.of(1, 2))).toThrow(
    /state expertBias: expected 12 bytes of a fixed entry, got 8/,
  )
  runner.close()
})
