/** The training loop: steps, held-out loss, checkpoints, exact resume. It knows neither models nor data. */
import { appendFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Tensor } from '../../runtime/tensor.ts'
import { type Backend, DivergenceError, firstNonFinite, type TrainingState } from '../backends/backend.ts'
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { type Batch, DataError, type Dataset, type JsonValue } from '../data/batch.ts'
import type { Random, RandomState } from '../random.ts'
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
  /** Updates; or each time that all data was read, and at the end. */
  readonly evaluateEvery: number | 'epoch'
  readonly checkpointEvery: number
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

export interface Metric {
  readonly step: number
  readonly tokens: number
  /** How often all data was read to the end, where it has one. */
  readonly epoch?: number
  /** Mean over the steps since the last measurement, nats a token. */
  readonly loss: number
  readonly norm: number
  readonly learningRate: number
  readonly tokensPerSecond: number
  /** Held-out loss, where one was measured at this step. */
  readonly heldOut?: number
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
}

/** Trains until the schedule's last step, until patience ends, or until the signal; the last state is always saved. */
export async function train(run: Run, resume: boolean): Promise<Outcome> {
  await mkdir(run.out, { recursive: true })
  const progress: Progress = { step: 0, best: null, waited: 0 }
  if (resume) await restore(run, progress)
  else await writeFile(join(run.out, 'metrics.jsonl'), '')
  const measured = run.heldOut && (await firstBatches(run.heldOut))
  const meter = new Meter()
  while (progress.step < run.schedule.steps) {
    if (run.signal?.aborted) return finish(run, progress, 'stopped')
    const lr = run.learningRate * learningRateShare(run.schedule, progress.step)
    const epoch = run.data.epoch?.()
    await update(run, progress, lr, meter)
    const last = progress.step === run.schedule.steps
    const due =
      run.evaluateEvery === 'epoch' ? last || run.data.epoch?.() !== epoch : progress.step % run.evaluateEvery === 0
    const evaluate = measured !== undefined && due
    const heldOut = evaluate ? await run.backend.evaluate(measured) : undefined
    if (evaluate || last || progress.step % run.logEvery === 0) await measure(run, progress, lr, meter, heldOut)
    const better = heldOut !== undefined && (progress.best === null || heldOut < progress.best)
    if (heldOut !== undefined) {
      progress.waited = better ? 0 : progress.waited + 1
      if (better) progress.best = heldOut
    }
    if (better || progress.step % run.checkpointEvery === 0) await save(run, progress, better)
    if (run.patience > 0 && progress.waited >= run.patience) return finish(run, progress, 'patience')
  }
  return finish(run, progress, 'done')
}

/** One update of the parameters: `accumulate` forward and backward passes. */
async function update(run: Run, progress: Progress, lr: number, meter: Meter): Promise<void> {
  const { backend, accumulate } = run
  for (const [index, batch] of (await nextBatches(run, progress)).entries()) {
    const { loss, norm } = await backend.step(batch, lr, progress.step + 1, index === accumulate - 1)
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) await diverged(run, progress, loss, norm)
    meter.add(loss, norm, run.tokensPerStep)
  }
  progress.step++
}

/** All batches of an update before any is computed: where data cannot be had, the run is saved as it was before. */
async function nextBatches(run: Run, progress: Progress): Promise<Batch[]> {
  const start = run.data.position()
  const batches: Batch[] = []
  try {
    while (batches.length < run.accumulate) batches.push(await run.data.next())
    return batches
  } catch (cause) {
    if (!(cause instanceof DataError) || progress.step === 0) throw cause
    await run.data.seek(start)
    await save(run, progress, false)
    throw new DataError(`${cause.message}; the run is saved at step ${progress.step}, --resume goes on from there`, {
      cause,
    })
  }
}

/** Keeps the state before the step, and says which tensor it was. */
async function diverged(run: Run, progress: Progress, loss: number, norm: number): Promise<never> {
  const culprit = firstNonFinite(run.backend.read())
  run.backend.undo()
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

async function measure(run: Run, progress: Progress, lr: number, meter: Meter, heldOut?: number): Promise<void> {
  const metric: Metric = {
    step: progress.step,
    tokens: progress.step * run.accumulate * run.tokensPerStep,
    ...(run.data.epoch ? { epoch: run.data.epoch() } : {}),
    learningRate: lr,
    ...meter.take(),
    ...(heldOut === undefined ? {} : { heldOut }),
  }
  await appendFile(join(run.out, 'metrics.jsonl'), `${JSON.stringify(metric)}\n`)
  run.report(metric)
}

async function finish(run: Run, progress: Progress, reason: Outcome['reason']): Promise<Outcome> {
  await save(run, progress, false)
  return { step: progress.step, best: progress.best, reason }
}

async function save(run: Run, progress: Progress, best: boolean): Promise<string> {
  const tensors = run.backend.read()
  const state: Checkpoint['state'] = {
    config: run.config,
    data: run.data.position(),
    random: [...run.random.state],
    best: progress.best,
    waited: progress.waited,
  }
  const part = (pattern: RegExp, strip = ''): Record<string, Tensor> =>
    Object.fromEntries(
      [...tensors].filter(([name]) => pattern.test(name)).map(([name, tensor]) => [name.replace(strip, ''), tensor]),
    )
  const checkpoint: Checkpoint = {
    step: progress.step,
    state,
    model: part(/^param\./, 'param.'),
    optimizer: part(/^(first|second)(Scale)?\.|^total\./),
    carry: part(/^state\./),
  }
  return saveCheckpoint(run.out, checkpoint, { best, tokenizer: run.tokenizer })
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
  await run.data.seek(state['data'] as JsonValue)
  run.random.restore(state['random'] as unknown as RandomState)
  progress.step = step
  progress.best = state['best'] as number | null
  progress.waited = state['waited'] as number
  await forgetAfter(join(run.out, 'metrics.jsonl'), step)
}

/** Drops what an interrupted run measured after its last checkpoint. */
async function forgetAfter(path: string, step: number): Promise<void> {
  const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
  const kept = lines.filter((line) => (JSON.parse(line) as Metric).step <= step)
  await writeFile(path, kept.map((line) => `${line}\n`).join(''))
}

/** Means between two measurements. */
class Meter {
  #loss = 0
  #norm = 0
  #steps = 0
  #tokens = 0
  #since = performance.now()

  add(loss: number, norm: number, tokens: number): void {
    this.#loss += loss
    this.#norm += norm
    this.#tokens += tokens
    this.#steps++
  }

  take(): Pick<Metric, 'loss' | 'norm' | 'tokensPerSecond'> {
    const seconds = (performance.now() - this.#since) / 1e3
    const steps = Math.max(1, this.#steps)
    const found = {
      loss: this.#loss / steps,
      norm: this.#norm / steps,
      tokensPerSecond: Math.round(this.#tokens / seconds),
    }
    this.#loss = this.#norm = this.#steps = this.#tokens = 0
    this.#since = performance.now()
    return found
  }
}
