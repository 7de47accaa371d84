/** RUN/metrics.jsonl: one line for each measurement, those of an interrupted run the same as of an uninterrupted one. */
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DataError } from '../data/batch.ts'

export interface Metric {
  readonly step: number
  readonly tokens: number
  /** How often all data was read to the end, where it has one. */
  readonly epoch?: number
  /** Mean over the updates since the last measurement, nats a token. */
  readonly loss: number
  /** Mean of the gradients' global norms over the same updates, before clipping. */
  readonly norm: number
  readonly learningRate: number
  /** Of the updates alone: neither evaluations nor checkpoints count. */
  readonly tokensPerSecond: number
  /** Held-out loss, where one was measured at this step. */
  readonly heldOut?: number
}

/** The sums of a meter, which a checkpoint keeps. */
export interface MeterState {
  readonly loss: number
  readonly norm: number
  readonly updates: number
  readonly tokens: number
  readonly seconds: number
}

const empty: MeterState = { loss: 0, norm: 0, updates: 0, tokens: 0, seconds: 0 }

/** Means over the updates between two measurements. */
export class Meter {
  #sums = empty

  get state(): MeterState {
    return this.#sums
  }

  /** Continues with the sums that a checkpoint kept; older checkpoints kept none. */
  restore(state: MeterState | undefined): void {
    this.#sums = state ?? empty
  }

  add(update: Omit<MeterState, 'updates'>): void {
    const { loss, norm, updates, tokens, seconds } = this.#sums
    this.#sums = {
      loss: loss + update.loss,
      norm: norm + update.norm,
      updates: updates + 1,
      tokens: tokens + update.tokens,
      seconds: seconds + update.seconds,
    }
  }

  /** The means, and starts again. */
  take(): Pick<Metric, 'loss' | 'norm' | 'tokensPerSecond'> {
    const { loss, norm, updates, tokens, seconds } = this.#sums
    this.#sums = empty
    const count = Math.max(1, updates)
    return { loss: loss / count, norm: norm / count, tokensPerSecond: Math.round(tokens / Math.max(seconds, 1e-9)) }
  }
}

const pathOf = (run: string): string => join(run, 'metrics.jsonl')

/** Begins the file of a new run. */
export const startMetrics = (run: string): Promise<void> => writeFile(pathOf(run), '')

export const appendMetric = (run: string, metric: Pick<Metric, 'step'>): Promise<void> =>
  appendFile(pathOf(run), `${JSON.stringify(metric)}\n`)

/** Reads the measurements of a run. Throws DataError for a line that is not JSON; one that was cut off is left out. */
export async function readMetrics(run: string): Promise<Metric[]> {
  const path = pathOf(run)
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new DataError(`${path}: cannot be read`, { cause })
  })
  // A kill can cut off the last line: it measured a step after the last checkpoint
  const lines = text.split('\n').slice(0, -1)
  return lines.flatMap((line, i) => (line === '' ? [] : [parsed(path, i + 1, line)]))
}

function parsed(path: string, number: number, line: string): Metric {
  try {
    return JSON.parse(line) as Metric
  } catch (cause) {
    throw new DataError(`${path}: line ${number} is not JSON; remove it`, { cause })
  }
}

/** Drops what an interrupted run measured after the checkpoint at `step`, in one rename. */
export async function dropMetricsAfter(run: string, step: number): Promise<void> {
  const kept = (await readMetrics(run)).filter((metric) => metric.step <= step)
  const temporary = `${pathOf(run)}.new`
  await writeFile(temporary, kept.map((metric) => `${JSON.stringify(metric)}\n`).join(''))
  await rename(temporary, pathOf(run))
}
