/** Runs a checkpoint by TF.js a few tokens at a time, so that its state and its taps can be read in between. */
import { withComposites } from '../../../models/composites.ts'
import type { Ops } from '../../../models/ops.ts'
import { fill, flatten, grows, leaves, startShape } from '../../../models/spec.ts'
import { loadTensorFlow, type Tensor, type TensorFlow } from '../../backends/tensorflow/load.ts'
import { eager } from '../../backends/tensorflow/ops.ts'
import type { Trained } from '../../export/weights.ts'
import type { TapStatistics } from './taps.ts'

/** A tensor of the state that is a matrix or several. */
export interface MemoryShape {
  readonly path: string
  /** Without the batch. */
  readonly shape: readonly number[]
}

/** Tokens fed at a time: TF.js keeps every step of a recurrence until its piece is done. */
const PIECE = 64

export class Observer {
  readonly memories: readonly MemoryShape[]
  readonly build: string
  readonly #tf: TensorFlow
  readonly #trained: Trained
  readonly #op: Ops<Tensor>
  readonly #params: unknown
  #state: unknown
  #taps: TapStatistics | undefined
  /** How often each name was tapped in this call: layers use the same names. */
  readonly #seen = new Map<string, number>()

  private constructor(tf: TensorFlow, build: string, trained: Trained) {
    const { model, weights } = trained
    this.#tf = tf
    this.build = build
    this.#trained = trained
    const plain = eager(tf)
    const defaults = withComposites<Tensor>(plain)
    this.#op = withComposites<Tensor>(plain, {
      tap: (x, name) => this.#show(x, name),
      gatedDelta: (x) => {
        this.#show(x.beta, 'delta.beta')
        this.#show(tf.exp(x.g), 'delta.decay')
        return defaults.gatedDelta(x)
      },
    })
    this.#params = fill(model.params, (path, { shape }) => tf.tensor(weights.get(path)!, shape.map(Number)))
    this.memories = flatten(model.state)
      .filter(([, spec]) => !grows(spec)) // keys and values are no memory that is written over
      .map(([path, { shape }]) => ({ path, shape: shape.slice(1).map(Number) }))
      .filter(({ shape }) => shape.length >= 2 && shape.slice(-2).every((d) => d > 1))
  }

  /** On the best build of TF.js that is installed. */
  static async open(trained: Trained): Promise<Observer> {
    const { tf, build } = await loadTensorFlow()
    return new Observer(tf, build, trained)
  }

  /** Sets the state of so many rows to zero. */
  start(rows: number): void {
    this.#put(fill(this.#trained.model.state, (_, { shape }) => this.#tf.zeros(startShape(shape, rows))))
  }

  /** Reads rows of the same length; tapped values are added to `taps`. */
  read(rows: readonly (readonly number[])[], taps?: TapStatistics): void {
    const { model } = this.#trained
    this.#taps = taps
    this.#seen.clear()
    this.#tf.engine().startScope()
    const ids = this.#tf.tensor2d(
      rows.map((row) => [...row]),
      undefined,
      'int32',
    )
    const { state } = model.forward<Tensor>(this.#op, this.#params, ids, this.#state)
    const after = leaves<Tensor>(model.state, state)
    for (const t of after.values()) this.#tf.keep(t)
    this.#tf.engine().endScope()
    this.#put(fill(model.state, (path) => after.get(path)!))
  }

  /** Reads rows of the same length, any length. */
  readAll(rows: readonly (readonly number[])[]): void {
    for (let at = 0; at < rows[0]!.length; at += PIECE) this.read(rows.map((row) => row.slice(at, at + PIECE)))
  }

  /** Returns a tensor of the state, of all rows. */
  state(path: string): Float32Array {
    return leaves<Tensor>(this.#trained.model.state, this.#state).get(path)!.dataSync<'float32'>()
  }

  #show(x: Tensor, name: string): Tensor {
    if (!this.#taps) return x
    const at = this.#seen.get(name) ?? 0
    this.#seen.set(name, at + 1)
    this.#taps.add(at === 0 ? name : `${name}#${at + 1}`, x.dataSync<'float32'>(), x.shape.at(-1) ?? 1)
    return x
  }

  /** Replaces the state and disposes of the tensors that are not in the new one. */
  #put(state: unknown): void {
    const before = this.#state
    this.#state = state
    if (before === undefined) return
    const kept = new Set(leaves<Tensor>(this.#trained.model.state, state).values())
    for (const t of leaves<Tensor>(this.#trained.model.state, before).values()) if (!kept.has(t)) t.dispose()
  }
}
