/** Something to minimise that is no model of language: parameters, inputs of known shapes, and a scalar. */
import type { Ops } from '../models/ops.ts'
import type { SpecTree } from '../models/spec.ts'

export interface InputSpec {
  readonly dtype: 'float32' | 'int32'
  readonly shape: readonly number[]
}

export interface Traced<T> {
  /** A scalar. */
  readonly objective: T
  /** What is told of a batch beside it, by name. */
  readonly told: Readonly<Record<string, T>>
}

export interface Objective {
  readonly name: string
  readonly params: SpecTree
  readonly inputs: Readonly<Record<string, InputSpec>>
  /** `zeros` makes tensors of a known shape, such as the state before a text. */
  trace<T>(
    op: Ops<T>,
    params: unknown,
    inputs: Readonly<Record<string, T>>,
    zeros: (shape: readonly number[]) => T,
  ): Traced<T>
}

/** A batch by the names of the objective's inputs. */
export type Feed = Readonly<Record<string, ArrayLike<number>>>
