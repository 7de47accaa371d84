/** Jobs for engines, and running them. */
import type { DoneEvent, EngineEvent, Job, ReplayJob, TurnJob } from '../../server/engine/messages.ts'
import type { Sampling } from '../../server/engine/sampler.ts'
import { Scheduler } from '../../server/engine/scheduler.ts'
import { byteCodec, createFakeRunner, END, type FakeOptions } from './fake-model.ts'

export const bytes = (text: string): number[] => [...Buffer.from(text)]

/** Sampling by the model's own distribution. */
export const plainSampling: Sampling = {
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  repetitionPenalty: 1,
  logitBias: [],
  seed: 1,
  logprobs: null,
}

/** A turn of up to 8 tokens, seeded by its number. */
export const turnJob = (id: number, changes: Partial<TurnJob> = {}): TurnJob => ({
  kind: 'turn',
  id,
  owner: 'someone',
  from: null,
  whole: null,
  prefillChunk: 64,
  sampling: { ...plainSampling, seed: id },
  choices: 1,
  maxTokens: 8,
  stop: [],
  drafts: null,
  promptLogprobs: null,
  keep: true,
  ...changes,
})

/** Sampling under which a reply never ends by itself. */
export const endless = { ...turnJob(1).sampling, logitBias: [[END, -100]] as const }

/** What replays a turn. */
export const replayJob = (id: number, changes: Partial<ReplayJob> = {}): ReplayJob => ({
  kind: 'replay',
  id,
  owner: 'someone',
  from: null,
  prefillChunk: 64,
  prefillCalls: null,
  steps: [],
  calls: null,
  gates: {},
  ...changes,
})

/** A scheduler over the fake model, and what it said. */
export function fakeScheduler(options: FakeOptions = {}) {
  const events: EngineEvent[] = []
  const scheduler = new Scheduler(createFakeRunner(options), byteCodec, (said) => events.push(...said))
  const finish = async (): Promise<void> => {
    while (!scheduler.idle) await scheduler.step()
  }
  return { events, scheduler, finish, ...readers(events) }
}

/** Looks into what an engine said. */
export function readers(events: readonly EngineEvent[]) {
  return {
    done: (id: number): DoneEvent[] => events.filter((e): e is DoneEvent => e.kind === 'done' && e.id === id),
    text: (id: number): string => events.map((e) => (e.kind === 'text' && e.id === id ? e.text : '')).join(''),
    errors: (id: number) => events.filter((e) => e.kind === 'error' && e.id === id),
  }
}

/** What a turn computed, in the order of its choices, without the times. */
export function facts(done: readonly DoneEvent[]) {
  const sorted = done.toSorted((a, b) => a.choice - b.choice)
  return sorted.map(({ choice, reason, generated, checkpoint }) => ({ choice, reason, generated, checkpoint }))
}

/** What a job computes when nothing else runs. */
export async function alone(job: Job, prompt: readonly number[], options: FakeOptions = {}) {
  const { scheduler, finish, done, text, errors } = fakeScheduler(options)
  scheduler.add(job, prompt)
  await finish()
  return { facts: facts(done(job.id)), text: text(job.id), errors: errors(job.id) }
}
