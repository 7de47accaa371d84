/** Trains an objective step by step: metrics, checkpoints, the best one, and going on to the same bits. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Learner } from '../backends/compile/learner.ts'
import { DivergenceError, type TrainingState } from '../backends/backend.ts'
import type { JsonValue } from '../data/batch.ts'
import type { Random, RandomState } from '../random.ts'
import { loadCheckpoint, saveCheckpoint } from '../run/checkpoint.ts'
import { appendMetric, dropMetricsAfter, startMetrics } from '../run/metrics.ts'
import type { NamedTensors } from '../safetensors.ts'

/** Numbers of a step or a measurement, by name. */
export type Numbers = Readonly<Record<string, number>>

export interface StepRun {
  readonly out: string
  /** What the run is, as JSON: the same for a run and its continuation. */
  readonly config: { readonly [key: string]: JsonValue }
  readonly learner: Learner
  /** Generators whose states decide how the run goes on. */
  readonly randoms: readonly Random[]
  readonly steps: number
  /** Does the step, counted from 1. */
  step(number: number): Promise<Numbers & { readonly objective: number }>
  /** Measures what is held out; the highest `score` is the best checkpoint. */
  measure(): Promise<Numbers & { readonly score: number }>
  readonly measureEvery: number
  readonly checkpointEvery: number
  readonly logEvery: number
  readonly signal?: AbortSignal
  /** Called with each line of metrics.jsonl. */
  readonly report: (numbers: Numbers) => void
}

interface Progress {
  step: number
  best: number | null
}

/** Trains to the last step, or to the signal. The measurement before the first step is in metrics.jsonl as step 0. */
export async function runSteps(run: StepRun, resume: boolean): Promise<'done' | 'stopped'> {
  await mkdir(run.out, { recursive: true })
  const progress: Progress = { step: 0, best: null }
  if (resume) await restore(run, progress)
  else {
    await startMetrics(run.out)
    await measure(run, progress, {})
  }
  while (progress.step < run.steps) {
    if (run.signal?.aborted) {
      await save(run, progress, false)
      return 'stopped'
    }
    const numbers = await run.step(progress.step + 1)
    progress.step++
    if (!Number.isFinite(numbers.objective))
      throw new DivergenceError(`step ${progress.step}: expected a finite objective, got ${numbers.objective}`)
    const isLast = progress.step === run.steps
    if (isLast || progress.step % run.measureEvery === 0) await measure(run, progress, numbers)
    else if (progress.step % run.logEvery === 0) await tell(run, progress, numbers)
    if (isLast || progress.step % run.checkpointEvery === 0) await save(run, progress, false)
  }
  return 'done'
}

async function measure(run: StepRun, progress: Progress, numbers: Numbers): Promise<void> {
  const measured = await run.measure()
  await tell(run, progress, { ...numbers, ...measured })
  if (progress.best !== null && measured.score <= progress.best) return
  progress.best = measured.score
  await save(run, progress, true)
}

async function tell(run: StepRun, { step }: Progress, numbers: Numbers): Promise<void> {
  const line = { step, ...numbers }
  await appendMetric(run.out, line)
  run.report(line)
}

async function save(run: StepRun, { step, best }: Progress, isBest: boolean): Promise<void> {
  const state = run.learner.read()
  const part = (pattern: RegExp, strip: string): NamedTensors =>
    Object.fromEntries(
      [...state].filter(([name]) => pattern.test(name)).map(([name, t]) => [name.replace(strip, ''), t]),
    )
  const checkpoint = {
    step,
    state: { config: run.config, best, randoms: run.randoms.map(({ state }) => [...state]) },
    model: part(/^param\./, 'param.'),
    optimizer: part(/^(first|second)\./, ''),
    carry: {},
  }
  await saveCheckpoint(run.out, checkpoint, { best: isBest })
}

async function restore(run: StepRun, progress: Progress): Promise<void> {
  const { step, state, model, optimizer } = await loadCheckpoint(join(run.out, 'last'))
  const tensors: TrainingState = new Map(Object.entries(optimizer))
  for (const [path, tensor] of Object.entries(model)) tensors.set(`param.${path}`, tensor)
  run.learner.write(tensors)
  const randoms = state['randoms'] as unknown as readonly RandomState[]
  for (const [i, random] of run.randoms.entries()) random.restore(randoms[i]!)
  progress.step = step
  progress.best = state['best'] as number | null
  await dropMetricsAfter(run.out, step)
}
