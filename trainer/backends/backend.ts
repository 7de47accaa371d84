/** What trains: given batches, moves parameters. The compiled ONNX step and TF.js are the two that there are. */
import type { Model } from '../../models/architecture.ts'
import type { Device } from '../../runtime/device.ts'
import type { Tensor } from '../../runtime/tensor.ts'
import type { AdamW } from './compile/optimizer.ts'
import type { StepOptions } from './compile/step.ts'
import type { Batch } from '../data/batch.ts'
import type { Random } from '../random.ts'

/** A device of this machine. */
export interface Place {
  readonly device: Device
  /** Which of several. */
  readonly id: number
}

export interface BackendOptions extends StepOptions, Place {
  readonly model: Model
  readonly threads: number
  /** Whether two runs give the same bits; false lets cuda add in any order, which is faster. */
  readonly deterministic: boolean
  /** Fills the dropout masks. */
  readonly random: Random
}

export interface StepResult {
  /** Weighted mean cross entropy, nats. */
  readonly loss: number
  /** Global norm of the gradients before clipping. */
  readonly norm: number
}

/** All that a step changes, by name: param.*, first.*, second.* (with firstScale.*, secondScale.* where in 8 bits), total.*, state.*. */
export type Tensors = Map<string, Tensor>

export interface Backend {
  readonly description: string
  /** One forward and backward pass; the parameters move when `apply`. `update` counts their moves from 1. */
  step(batch: Batch, lr: number, update: number, apply: boolean): Promise<StepResult>
  /** Forgets what `step` changed last: the values before it are the current ones again. */
  undo(): void
  /** Loss on held-out batches, the session state carried from one to the next; leaves the training state alone. */
  evaluate(batches: AsyncIterable<Batch> | Iterable<Batch>): Promise<number>
  /** A copy of everything that training changes, and of the frozen parameters. */
  read(): Tensors
  /** Puts back what `read` gave; names that are missing or unexpected are an error. */
  write(tensors: Tensors): void
  close(): void
}

/** A tensor stopped being finite. */
export class DivergenceError extends Error {
  override name = 'DivergenceError' as const
}

/** The first name whose values are not all finite. */
export function firstNonFinite(tensors: Tensors): string | undefined {
  for (const [name, { data }] of tensors)
    if (data instanceof Float32Array && !data.every((x) => Number.isFinite(x))) return name
  return undefined
}

/** Scalars of AdamW's bias correction at the given update, for the compiled step's `pace` inputs. */
export const paceOf = (lr: number, update: number, c: AdamW) => ({
  lr,
  secondScale: 1 / Math.sqrt(1 - c.beta2 ** update),
  firstRate: lr / (1 - c.beta1 ** update),
  dither: (update * 0.7548776662466927) % 1,
})

/** How a step is compiled. CUDA's kernel for sums of scattered rows adds in no fixed order. */
export const stepOptions = (o: BackendOptions): StepOptions => ({
  ...o,
  scatterByProduct: o.deterministic && o.device === 'cuda',
})

/** How a graph is opened for a step. */
export const deviceSettings = ({ threads, device, id, precision, deterministic }: BackendOptions) => ({
  threads,
  device,
  deviceId: id,
  tf32: precision === 'tf32',
  unordered: !deterministic,
})
