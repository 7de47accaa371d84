/** How published tensors are made of the tensors of a GGUF file: rows chosen and put in order, shapes restored. */
import type { GgufTensor } from './format.ts'

/** A published tensor whose rows are rows of the file's tensors. */
export interface RowMapping {
  readonly shape: readonly number[]
  /** The file's tensors; their rows are numbered through, one part after another. */
  readonly parts: readonly GgufTensor[]
  /** The parts' row for each row of ours; undefined: as they are. */
  readonly rows?: Int32Array
  /** The file's column for each column of ours; undefined: as they are. */
  readonly columns?: Int32Array
  /** What undoes a change of each value, such as a 1 that was added. */
  readonly each?: (value: number) => number
}

/** A published tensor that has to be computed of whole tensors of the file, such as a transposed one. */
export interface ComputedMapping {
  readonly shape: readonly number[]
  readonly parts: readonly GgufTensor[]
  readonly compute: (...parts: Float32Array[]) => Float32Array
}

export type Mapping = RowMapping | ComputedMapping
