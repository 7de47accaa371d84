/** The training loop: updates, held-out loss, checkpoints, exact resume. It knows neither models nor data. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Tensor } from '../../runtime/tensor.ts'
import { type Backend, DivergenceError, firstNonFinite, type TrainingState } from '../backends/backend.ts'
import { type Batch, DataError, type Dataset, type JsonValue } from '../data/batch.ts'
import type { Random, RandomState } from '../random.ts'
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { appendMetric, dropMetricsAfter, Meter, type MeterState, type Metric, startMetrics } from './metrics.ts'
import { learningRateShare, type Schedule } from './schedule.ts'

/** A run, with everything it needs already made. */
export interface Run {
  readonly out: string
  /** What the run is, as JSON: the same for a run and its continuation. */
  readonly config: { readonly [key: string]: JsonValue }
  readonly backend: Backend
  readonly data: Dataset
  /** Held-out text, and how many batches of it are looked at. */
  readonly heldOut?: { readonly data: Dataset; readonly batches: number }
  readonly learningRate: number
  /** Its steps are updates of the parameters. */
  readonly schedule: Schedule
  readonly accumulate: number
  readonly tokensPerStep: number
  /** Updates, or each time that all data was read; and at the end. */
  readonly evaluateEvery: number | 'epoch'
  readonly checkpointEvery: number
  /** Newest checkpoints that stay, beside the best one. */
  readonly keepCheckpoints: number
  readonly logEvery: number
  /** Evaluations without a better held-out loss before the run stops; 0: never. */
  readonly patience: number
  readonly tokenizer: string
  /** The generator of dropout masks, shared with the backend. */
  readonly random: Random
  /** Called with each measurement. */
  readonly report: (metric: Metric) => void
  readonly signal?: AbortSignal
}

export interface Outcome {
  readonly step: number
  readonly best: number | null
  readonly reason: 'done' | 'patience' | 'stopped'
}

/** What a checkpoint says of the loop. */
interface Progress {
  step: number
  best: number | null
  /** Evaluations since the best one. */
  waited: number
  readonly meter: Meter
  /** The step of the newest checkpoint. */
  saved: number | undefined
}

/** Trains until the schedule's last step, until patience ends, or until the signal; the last state is always saved. */
export async function train(run: Run, resume: boolean): Promise<Outcome> {
  await mkdir(run.out, { recursive: true })
  const progress: Progress = { step: 0, best: null, waited: 0, meter: new Meter(), saved: undefined }
  if (resume) await restore(run, progress)
  else await startMetrics(run.out)
  const measured = run.heldOut && (await firstBatches(run.heldOut))
  while (progress.step < run.schedule.steps) {
    if (run.signal?.aborted) return finish(run, progress, 'stopped')
    const lr = run.learningRate * learningRateShare(run.schedule, progress.step)
    const epoch = run.data.epoch?.()
    await update(run, progress, lr)
    // Else nothing but a written file would let a signal be heard, and reports be read.
    await setImmediate()
    const last = progress.step === run.schedule.steps
    const due = run.evaluateEvery === 'epoch' ? run.data.epoch?.() !== epoch : progress.step % run.evaluateEvery === 0
    const heldOut = measured && (due || last) ? await run.backend.evaluate(measured) : undefined
    if (heldOut !== undefined || last || progress.step % run.logEvery === 0) await measure(run, progress, lr, heldOut)
    const better = heldOut !== undefined && (progress.best === null || heldOut < progress.best)
    if (heldOut !== undefined) {
      progress.waited = better ? 0 : progress.waited + 1
      if (better) progress.best = heldOut
    }
    if (better || isCheckpoint(run, progress.step)) await save(run, progress, better)
    if (run.patience > 0 && progress.waited >= run.patience) return finish(run, progress, 'patience')
  }
  return finish(run, progress, 'done')
}

/** The first one comes early: what keeps a run from being saved is to be seen before it has cost much. */
function isCheckpoint({ checkpointEvery }: Run, step: number): boolean {
  return step === Math.ceil(checkpointEvery / 10) || step % checkpointEvery === 0
}

/** Where data and random numbers stand. */
interface Position {
  readonly data: JsonValue
  readonly random: RandomState
}

/** One update of the parameters by `accumulate` batches, all of which are read before any is computed. */
async function update(run: Run, progress: Progress, lr: number): Promise<void> {
  const before: Position = { data: run.data.position(), random: run.random.state }
  const began = performance.now()
  const { loss, norm } = await computed(run, progress, lr, before)
  if (!Number.isFinite(loss) || !Number.isFinite(norm)) await diverged(run, progress, before, loss, norm)
  const seconds = (performance.now() - began) / 1e3
  progress.meter.add({ loss, norm, tokens: run.accumulate * run.tokensPerStep, seconds })
  progress.step++
}

/** Where data cannot be had or used, the run is saved as it was before the update. */
async function computed(run: Run, progress: Progress, lr: number, before: Position) {
  try {
    const batches: Batch[] = []
    while (batches.length < run.accumulate) batches.push(await run.data.next())
    return await run.backend.update(batches, lr, progress.step + 1)
  } catch (cause) {
    if (!(cause instanceof DataError) || progress.step === 0) throw cause
    await goBack(run, before)
    await save(run, progress, false)
    throw new DataError(`${cause.message}; the run is saved at step ${progress.step}, --resume goes on from there`, {
      cause,
    })
  }
}

async function goBack(run: Run, { data, random }: Position): Promise<void> {
  await run.data.seek(data)
  run.random.restore(random)
}

/** Takes the update back, saves the state before it and throws. */
async function diverged(run: Run, progress: Progress, before: Position, loss: number, norm: number): Promise<never> {
  const culprit = firstNonFinite(run.backend.read())
  run.backend.undo()
  await goBack(run, before)
  const folder = await save(run, progress, false)
  throw new DivergenceError(
    `step ${progress.step + 1}: loss ${loss}, gradient norm ${norm}; first tensor that is not finite: ` +
      `${culprit ?? 'none, only the loss'}; the last good state is in ${folder}`,
  )
}

/** Mean loss over the first batches of the held-out text. */
export async function heldOutLoss(backend: Backend, heldOut: NonNullable<Run['heldOut']>): Promise<number> {
  return backend.evaluate(await firstBatches(heldOut))
}

/** Read once for all evaluations: a data set of a hub would be fetched again for each. */
async function firstBatches({ data, batches }: NonNullable<Run['heldOut']>): Promise<Batch[]> {
  const start = data.position()
  const read: Batch[] = []
  while (read.length < batches) read.push(await data.next())
  await data.seek(start)
  return read
}

async function measure(run: Run, { step, meter }: Progress, lr: number, heldOut?: number): Promise<void> {
  const metric: Metric = {
    step,
    tokens: step * run.accumulate * run.tokensPerStep,
    ...(run.data.epoch ? { epoch: run.data.epoch() } : {}),
    learningRate: lr,
    ...meter.take(),
    ...(heldOut === undefined ? {} : { heldOut }),
  }
  await appendMetric(run.out, metric)
  run.report(metric)
}

/** Saves the last state, unless that has just been done: saving a step again would push an older checkpoint out. */
async function finish(run: Run, progress: Progress, reason: Outcome['reason']): Promise<Outcome> {
  if (progress.saved !== progress.step) await save(run, progress, false)
  return { step: progress.step, best: progress.best, reason }
}

async function save(run: Run, progress: Progress, best: boolean): Promise<string> {
  const tensors = run.backend.read()
  const { step, meter } = progress
  const state: Checkpoint['state'] = {
    config: run.config,
    data: run.data.position(),
    random: [...run.random.state],
    best: progress.best,
    waited: progress.waited,
    meter: { ...meter.state },
  }
  const part = (pattern: RegExp, strip = ''): Record<string, Tensor> =>
    Object.fromEntries(
      [...tensors].filter(([name]) => pattern.test(name)).map(([name, tensor]) => [name.replace(strip, ''), tensor]),
    )
  const checkpoint: Checkpoint = {
    step,
    state,
    model: part(/^param\./, 'param.'),
    optimizer: part(/^(first|second)(Scale)?\./),
    carry: part(/^state\./),
  }
  const folder = await saveCheckpoint(run.out, checkpoint, {
    best,
    keep: run.keepCheckpoints,
    tokenizer: run.tokenizer,
  })
  progress.saved = step
  return folder
}

async function restore(run: Run, progress: Progress): Promise<void> {
  const { step, state, model, optimizer, carry } = await loadCheckpoint(join(run.out, 'last'))
  const tensors: TrainingState = new Map()
  for (const [prefix, group] of [
    ['param.', model],
    ['', optimizer],
    ['', carry],
  ] as const)
    for (const [name, t] of Object.entries(group)) tensors.set(prefix + name, t)
  run.backend.write(tensors)
  await goBack(run, { data: state['data'] as JsonValue, random: state['random'] as unknown as RandomState })
  progress.step = step
  progress.saved = step
  progress.best = state['best'] as number | null
  progress.waited = state['waited'] as number
  progress.meter.restore(state['meter'] as unknown as MeterState | undefined)
  await dropMetricsAfter(run.out, step)
}
