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

/** Ids that a row was fed on its own, whose state has not been taken over yet. */
interface Call {
  readonly ids: number
  /** The fixed part before it, where the call has overwritten that. */
  readonly before: SessionState | null
}

/** Memory for calls that feed a row on its own. */
interface CallMemory {
  readonly ids: Tensor<'int32'>
  readonly logits: Tensor<'float32'>
}

/** Ids of such a call for which there is memory at once. */
const CALL_IDS = 16
/** Bindings that are kept; a group of many rows whose lengths vary would make ever more of them. */
const MOST_BINDINGS = 256

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
  /** By index of the row: several may be fed in one step, and all logits are valid after it. */
  readonly #calls = new Map<number, CallMemory>()
  readonly #open = new Map<R, Call>()

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

  /** The last row moves into the place of the one that leaves. */
  remove(row: R): void {
    this.#open.delete(row)
    const [at, last] = [this.rows.indexOf(row), this.rows.length - 1]
    if (at !== last) {
      this.#bank.copy(last, at)
      this.rows[at] = this.rows[last] as R
    }
    this.rows.pop()
    // Memory that grows is given back: at most twice what the rows need is kept.
    const half = this.#size / 2
    const waits = this.#open.size > 0 // what a call has written is not in a copy of the states
    if (this.capacity > 0 && half >= 1 && this.rows.length < half && !waits) this.#resize(half)
  }

  /**
   * Feeds ids to one row on its own; `accept` then makes what that wrote its state. Returns the logits of the last id, or
   * of every one, valid until the row is fed again.
   */
  async feed(row: R, ids: readonly number[], wanted: 'last' | 'all'): Promise<Float32Array> {
    const at = this.rows.indexOf(row)
    const { vocab, selectable } = this.#model
    const memory = this.#memoryFor(at, ids.length)
    memory.ids.data.set(ids)
    this.#positions.data[at] = row.position
    const whole = wanted === 'all' || !selectable
    const logits = view(memory.logits, [1, whole ? ids.length : 1, vocab])
    const key = `${at}+${ids.length}/${whole}/${this.#bank.current}`
    const binding = this.#bindingFor(key, () =>
      this.#model.bind(this.#bank, view(memory.ids, [1, ids.length]), this.#positions, logits, at),
    )
    this.#open.set(row, { ids: ids.length, before: this.#bank.overwrites ? this.#bank.save(at, 0, 0) : null })
    await binding.run()
    return wanted === 'all' ? logits.data : logits.data.subarray(-vocab)
  }

  /** Of the ids that the row was fed last, the first `count` are right; returns how many its state has been fed: all or none. */
  accept(row: R, count: number): number {
    const call = this.#open.get(row)
    this.#open.delete(row)
    if (!call) throw new Error('a row was asked to accept a call that it was not fed')
    const at = this.rows.indexOf(row)
    if (count < call.ids) {
      // Positions of append entries beyond the row's own are overwritten by the next call.
      if (call.before) this.#bank.load(at, call.before)
      return 0
    }
    if (this.rows.length === 1) this.#bank.swap()
    else this.#bank.adopt(at)
    row.position += call.ids
    return call.ids
  }

  /** Feeds one id to each row; returns their logits, row after row, valid until the next call. */
  async decode(ids: readonly number[]): Promise<Float32Array> {
    const count = ids.length
    const { vocab } = this.#model
    for (let row = 0; row < count; row++) {
      this.#ids.data[row] = ids[row] as number
      this.#positions.data[row] = (this.rows[row] as R).position
    }
    const binding = this.#bindingFor(`${count}/${this.#bank.current}`, () => {
      const logits = view(this.#logits, [count, 1, vocab])
      return this.#model.bind(this.#bank, view(this.#ids, [count, 1]), this.#positions, logits)
    })
    await binding.run()
    this.#bank.swap()
    for (let row = 0; row < count; row++) (this.rows[row] as R).position++
    return this.#logits.data.subarray(0, count * vocab)
  }

  close(): void {
    for (const binding of this.#bound.values()) binding.release()
    this.#bound.clear()
  }

  #bindingFor(key: string, make: () => Binding): Binding {
    const known = this.#bound.get(key)
    if (known) return known
    if (this.#bound.size >= MOST_BINDINGS) this.close()
    const made = make()
    this.#bound.set(key, made)
    return made
  }

  #memoryFor(at: number, ids: number): CallMemory {
    const known = this.#calls.get(at)
    if (known && (known.ids.dims[1] as number) >= ids) return known
    if (known) this.close() // what was bound is bound to the smaller memory
    const length = Math.max(ids, CALL_IDS)
    const made = {
      ids: createTensor('int32', [1, length]),
      logits: createTensor('float32', [1, length, this.#model.vocab]),
    }
    this.#calls.set(at, made)
    return made
  }

  #resize(size: number): void {
    const before = this.rows.map((row, at) => this.#bank.save(at, row.position, 0))
    this.close()
    this.#calls.clear()
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
