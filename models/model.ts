/** What trainer, exporter and tests see of an architecture with one configuration. */
import type { Ops } from './ops.ts'
import type { SpecTree } from './spec.ts'

/** The result of a forward pass. What it adds to the training loss goes through `op.addLoss`. */
export interface Forward<T, S> {
  /** (B,T,D), normalised for the head. */
  readonly hidden: T
  /** The state after the last token. */
  readonly state: S
}

/** Where the next token can be read before the last layer. */
export interface Exits {
  /** After how many layers, in ascending order. */
  readonly layers: readonly number[]
  /** What the loss of each counts beside that of the last layer. */
  readonly weights: readonly number[]
  /** The pass of training: also what each exit gives to the head, (B,T,D). */
  forward<T>(
    op: Ops<T>,
    params: unknown,
    ids: T,
    state: unknown,
  ): Forward<T, unknown> & { readonly exits: readonly T[] }
  /** What exit number `index` gives to the head, from x (B,T,D) after its layer. */
  hidden<T>(op: Ops<T>, params: unknown, index: number, x: T): T
}

/**
 * How a model of whole texts is trained: `hidden` is one vector for each row (B,1,D), and `logits` are the scores of the
 * first row of each group against the other rows of all groups, of which a label names one.
 */
export interface Contrast {
  /** Rows of a group. */
  readonly group: number
  /** What is added to the loss for vectors (B,1,D) that shall be those taught (B,D); rows of zeros are not taught. */
  teaching<T>(op: Ops<T>, vectors: T, taught: T): T
}

/** Whether rows of training are whole texts: they are compared, or have a label each. */
export const readsTexts = ({ contrast, rowLabels }: Model): boolean => contrast !== undefined || rowLabels !== undefined

/** An architecture with one configuration: what trainer, exporter and tests work with. */
export interface Model {
  readonly architecture: string
  readonly config: Readonly<Record<string, unknown>>
  readonly vocab: number
  /** D, of `hidden`. */
  readonly width: number
  readonly params: SpecTree
  readonly state: SpecTree
  readonly chunkLength: number
  /** The most tokens of a sequence, where positions are learned; undefined where there is no such bound. */
  readonly positions: number | undefined
  /** How many layers call `op.layerHook`. */
  readonly layers: number
  /** Whether its matrices are (out, in), and multiplied with by `op.linear`. */
  readonly multipliesByLinear: boolean
  /** How texts are compared in training; undefined where tokens are predicted. */
  readonly contrast: Contrast | undefined
  /**
   * How many labels there are where each row is a whole text that has one of them: `hidden` is (B,1,D), and `logits` are
   * (B,1,labels). Undefined where tokens are predicted.
   */
  readonly rowLabels: number | undefined
  /** Why it cannot be served; undefined where it can. */
  readonly trainingOnly: string | undefined
  /** Where the next token can be read before the last layer; absent where there are no such places. */
  readonly exits?: Exits
  forward<T>(op: Ops<T>, params: unknown, ids: T, state: unknown): Forward<T, unknown>
  logits<T>(op: Ops<T>, params: unknown, hidden: T): T
}
