/** What trains: moves the parameters by batches. The compiled ONNX step and TF.js are the two backends. */
import type { Model } from '../../models/architecture.ts'
import type { Device } from '../../runtime/device.ts'
import type { Tensor } from '../../runtime/tensor.ts'
import type { AdamW } from './compile/optimizer.ts'
import type { StepOptions } from './compile/step.ts'
import { type Batch, DataError } from '../data/batch.ts'
import type { ReportProgress } from '../data/progress.ts'
import type { Random } from '../random.ts'

/** A device of this machine. */
export interface TargetDevice {
  readonly device: Device
  /** Which of several such devices. */
  readonly id: number
}

export interface BackendOptions extends StepOptions, TargetDevice {
  readonly model: Model
  readonly threads: number
  /** Whether two runs give the same bits; false lets cuda add in any order, which is faster. */
  readonly deterministic: boolean
  /** Fills the dropout masks. */
  readonly random: Random
  /** Told what is done before the first step, which may take minutes. */
  readonly progress?: ReportProgress
}

export interface UpdateResult {
  /** Weighted mean cross entropy of all batches, nats a token. */
  readonly loss: number
  /** Global norm of the mean gradient before clipping. */
  readonly norm: number
}

/**
 * All that an update changes, by name, and the frozen parameters but those of a published model: param.*, first.*, second.* (with firstScale.* and
 * secondScale.* where moments are in 8 bits) and state.*.
 */
export type TrainingState = Map<string, Tensor>

export interface Backend {
  readonly description: string
  /** Parameters that no gradient reaches: the loss of a batch does not depend on them. */
  readonly unreached: readonly string[]
  /**
   * One move of the parameters, by the mean of the gradients of all tokens of `batches` weighted by their weights. As
   * many batches as `accumulate` says; `number` counts updates from 1.
   */
  update(batches: readonly Batch[], lr: number, number: number): Promise<UpdateResult>
  /** Takes back the last update: parameters, moments and carried state are those before it. */
  undo(): void
  /** Loss on held-out batches, the session state carried from one to the next; leaves the training state alone. */
  evaluate(batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<number>
  /** A copy of the training state. */
  read(): TrainingState
  /** Puts the values of one parameter, by path: of a published model, or of a run to start from. */
  put(path: string, data: Float32Array): void
  /** Puts back what `read` gave; names that are missing or unexpected are an error. */
  write(state: TrainingState): void
  close(): void
}

/** A tensor stopped being finite. */
export class DivergenceError extends Error {
  override name = 'DivergenceError' as const
}

/** Parameters whose gradient was exactly zero in every update: their second moment is. Moments go on over a resume. */
export function neverMoved(state: TrainingState): string[] {
  return [...state].flatMap(([name, { data }]) =>
    name.startsWith('second.') && (data as Float32Array | Uint8Array).every((x) => x === 0)
      ? [name.slice('second.'.length)]
      : [],
  )
}

/** The first name whose values are not all finite. */
export function firstNonFinite(state: TrainingState): string | undefined {
  for (const [name, { data }] of state)
    if (data instanceof Float32Array && !data.every((x) => Number.isFinite(x))) return name
  return undefined
}

/** The share of each batch in an update, its part of all weights. Throws DataError where the batches do not fit. */
export function sharesOf(batches: readonly Batch[], o: BackendOptions): number[] {
  if (batches.length !== o.accumulate)
    throw new Error(`update: expected ${o.accumulate} batches (accumulate), got ${batches.length}`)
  for (const batch of batches) checkLabels(batch, o)
  const sums = batches.map(({ weights }) => weights.reduce((sum, weight) => sum + weight, 0))
  const all = sums.reduce((a, b) => a + b)
  return sums.map((sum) => sum / Math.max(all, LEAST_WEIGHT))
}

/** Throws DataError where a batch has more weighted tokens than there are labels. */
export function checkLabels({ weights }: Batch, { maxLabels }: Pick<BackendOptions, 'maxLabels'>): void {
  const labels = weights.reduce((count, weight) => count + Number(weight !== 0), 0)
  if (maxLabels > 0 && labels > maxLabels)
    throw new DataError(`maxLabels: expected at most ${maxLabels} weighted tokens in a batch, got ${labels}`)
}

/** The least sum of weights that a mean is divided by, for batches without weight. */
export const LEAST_WEIGHT = 1e-6

/** AdamW's scalars of one update, for the compiled step's `scalar.*` inputs. */
export const stepScalarsOf = (lr: number, number: number, c: AdamW) => ({
  lr,
  secondScale: 1 / Math.sqrt(1 - c.beta2 ** number),
  firstRate: lr / (1 - c.beta1 ** number),
  dither: (number * 0.7548776662466927) % 1,
})

/**
 * How a step is compiled for its device. CUDA's kernel for sums of scattered rows adds in no fixed order. Loops are
 * unrolled on a GPU: a CUDA graph cannot be recorded of a step with a Scan in it.
 */
export const stepOptions = (o: BackendOptions): StepOptions => ({
  ...o,
  scatterByProduct: o.deterministic && o.device === 'cuda',
  ...(o.device !== 'cpu' && { unrolled: Infinity }),
})

/** How a graph is opened for a step. */
export const deviceSettings = ({ threads, device, id, precision, deterministic }: BackendOptions) => ({
  threads,
  device,
  deviceId: id,
  tf32: precision === 'tf32',
  unordered: !deterministic,
  // What a GPU's session records belongs to the thread that opened it
  elsewhere: device === 'cpu',
})
