/** Rows of one capacity, which decode together: row i of every tensor is the i-th sequence. */
import type { Binding } from '../../runtime/graph.ts'
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'
import type { SessionState } from '../checkpoint.ts'
import type { DecoderModel } from './decoder-model.ts'
import { StateBank } from './state-bank.ts'

/** A sequence of a group. */
export interface GroupRow {
  /** Tokens that its state has been fed. */
  position: number
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

  get rowBytes(): number {
    return this.#bank.rowBytes
  }

  add(row: R, state: SessionState | null): void {
    if (this.rows.length === this.#size) this.#resize(this.#size * 2)
    this.#bank.load(this.rows.length, state)
    this.rows.push(row)
  }

  save(row: R, firstPage: number): SessionState {
    return this.#bank.save(this.rows.indexOf(row), row.position, firstPage)
  }

  /** Sets a row's state; its position has been set already. */
  load(row: R, state: SessionState): void {
    this.#bank.load(this.rows.indexOf(row), state)
  }

  /** The last row moves into the place of the one that leaves. */
  remove(row: R): void {
    const [at, last] = [this.rows.indexOf(row), this.rows.length - 1]
    if (at !== last) {
      this.#bank.copy(last, at)
      this.rows[at] = this.rows[last] as R
    }
    this.rows.pop()
    // Memory that grows is given back: at most twice what the rows need is kept.
    const half = this.#size / 2
    if (this.capacity > 0 && half >= 1 && this.rows.length < half) this.#resize(half)
  }

  /** Swaps two rows, so that those that take part in a call are the first ones. */
  exchange(a: number, b: number): void {
    if (a === b) return
    const state = this.#bank.save(a, (this.rows[a] as R).position, 0)
    this.#bank.copy(b, a)
    this.#bank.load(b, state)
    const row = this.rows[a] as R
    this.rows[a] = this.rows[b] as R
    this.rows[b] = row
  }

  /** Feeds one id to each of the first rows; returns their logits, row after row, valid until the next call. */
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
    // Rows that took no part are in the set that was read only.
    for (let row = count; row < this.rows.length; row++) this.#carry(row)
    this.#bank.swap()
    for (let row = 0; row < count; row++) (this.rows[row] as R).position++
    return this.#logits.data.subarray(0, count * vocab)
  }

  close(): void {
    for (const binding of this.#bound.values()) binding.release()
    this.#bound.clear()
  }

  #carry(row: number): void {
    const state = this.#bank.save(row, 0, 0)
    this.#bank.swap()
    this.#bank.load(row, state)
    this.#bank.swap()
  }

  #resize(size: number): void {
    const before = this.rows.map((row, at) => this.#bank.save(at, row.position, 0))
    this.close()
    this.#size = size
    this.#bank = new StateBank(this.#model.state, this.#size, this.capacity)
    for (const [at, state] of before.entries()) this.#bank.load(at, state)
    this.#allocate()
  }

  #allocate(): void {
    this.#ids = createTensor('int32', [this.#size, 1])
    this.#positions = createTensor('int32', [this.#size])
    this.#logits = createTensor('float32', [this.#size, 1, this.#model.vocab])
  }
}
