/** Rows of one capacity, which decode together: row i of every tensor is the i-th sequence. */
import type { Binding } from '../../runtime/graph.ts'
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'
import type { DecoderModel } from './decoder-model.ts'
import { StateBank } from './state-bank.ts'

/** A sequence of a group. */
export interface GroupRow {
  /** Tokens that its state has been fed. */
  readonly position: number
}

export class RowGroup<R extends GroupRow> {
  readonly rows: R[] = []
  readonly capacity: number
  readonly #model: DecoderModel
  #bank: StateBank
  #size: number
  #ids!: Tensor<'int32'>
  #positions!: Tensor<'int32'>
  #logits!: Tensor<'float32'>
  readonly #bound = new Map<string, Binding>()

  /** A group with memory for `size` sequences, which doubles when there are more. */
  constructor(model: DecoderModel, capacity: number, size: number) {
    this.#model = model
    this.capacity = capacity
    this.#size = size
    this.#bank = new StateBank(model.state, size, capacity)
    this.#allocate()
  }

  /** Its memory; a sequence's row is where it is in `rows`. */
  get bank(): StateBank {
    return this.#bank
  }

  /** Takes in a sequence, whose state is in a row of `source`. */
  add(row: R, source: StateBank, from: number): void {
    if (this.rows.length === this.#size) this.#resize(this.#size * 2)
    this.#bank.copyRow(this.rows.length, source, from, row.position)
    this.rows.push(row)
  }

  /** The last row moves into the place of the one that leaves. */
  remove(row: R): void {
    const [at, last] = [this.rows.indexOf(row), this.rows.length - 1]
    if (at !== last) {
      const moved = this.rows[last] as R
      this.rows[at] = moved
      this.#bank.copyRow(at, this.#bank, last, moved.position)
    }
    this.rows.pop()
    // Memory that grows is given back: at most twice what the rows need is kept.
    const half = this.#size / 2
    if (this.capacity > 0 && half >= 1 && this.rows.length < half) this.#resize(half)
  }

  /** Feeds one id to each row; returns their logits, row after row, valid until the next call. */
  async decode(ids: readonly number[]): Promise<Float32Array> {
    const count = ids.length
    const { vocab } = this.#model
    for (let row = 0; row < count; row++) {
      this.#ids.data[row] = ids[row] as number
      this.#positions.data[row] = (this.rows[row] as R).position
    }
    const key = `${count}/${this.#bank.current}`
    let binding = this.#bound.get(key)
    if (!binding) {
      const logits = view(this.#logits, [count, 1, vocab])
      binding = this.#model.bind(this.#bank, view(this.#ids, [count, 1]), this.#positions, logits)
      this.#bound.set(key, binding)
    }
    await binding.run()
    this.#bank.swap()
    return this.#logits.data.subarray(0, count * vocab)
  }

  close(): void {
    for (const binding of this.#bound.values()) binding.release()
    this.#bound.clear()
  }

  #resize(size: number): void {
    const before = this.#bank
    this.close()
    this.#size = size
    this.#bank = new StateBank(this.#model.state, size, this.capacity)
    for (const [at, { position }] of this.rows.entries()) this.#bank.copyRow(at, before, at, position)
    this.#allocate()
  }

  #allocate(): void {
    this.#ids = createTensor('int32', [this.#size, 1])
    this.#positions = createTensor('int32', [this.#size])
    this.#logits = createTensor('float32', [this.#size, 1, this.#model.vocab])
  }
}
