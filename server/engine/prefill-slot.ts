/** One sequence on its own: prompts, and replies of which several tokens are fed at once. */
import type { Binding } from '../../runtime/graph.ts'
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'
import type { SessionState } from '../checkpoint.ts'
import type { DecoderModel } from './decoder-model.ts'
import { StateBank } from './state-bank.ts'

export class PrefillSlot {
  readonly #model: DecoderModel
  readonly #chunk: number
  readonly #ids: Tensor<'int32'>
  readonly #position = createTensor('int32', [1])
  readonly #last: Tensor<'float32'>
  #all: Tensor<'float32'> | null = null
  #bank: StateBank
  /** Bindings of calls of `chunk` ids, which most calls are; other lengths are bound for one call. */
  readonly #bound = new Map<string, Binding>()

  /** `chunk` is the usual number of ids of a call, and `longest` the most that one may have. */
  constructor(model: DecoderModel, chunk: number, longest: number) {
    this.#model = model
    this.#chunk = chunk
    this.#ids = createTensor('int32', [1, longest])
    this.#last = createTensor('float32', [1, 1, model.vocab])
    this.#bank = new StateBank(model.state, 1, model.capacityFor(1))
  }

  get position(): number {
    return this.#position.data[0] as number
  }

  get longest(): number {
    return this.#ids.dims[1] as number
  }

  /** Sets the state; null is the zero state. */
  load(state: SessionState | null, position: number): void {
    this.#position.data[0] = position
    this.#reserve(position, false)
    this.#bank.load(0, state)
  }

  save(firstPage: number): SessionState {
    return this.#bank.save(0, this.position, firstPage)
  }

  /** Feeds 1 to `longest` ids; returns the logits of the last one, or of every one: valid until the next call. */
  async run(ids: readonly number[], wanted: 'last' | 'all'): Promise<Float32Array> {
    this.#reserve(this.position + ids.length, true)
    const { vocab, selectable } = this.#model
    const whole = wanted === 'all' || !selectable
    const logits = whole ? view(this.#logitsOf(ids.length), [1, ids.length, vocab]) : this.#last
    this.#ids.data.set(ids)
    const binding = this.#bindingFor(ids.length, whole, logits)
    try {
      await binding.run()
    } finally {
      if (ids.length !== this.#chunk) binding.release()
    }
    this.#bank.swap()
    this.#position.data[0] = this.position + ids.length
    return wanted === 'all' ? logits.data : logits.data.subarray(-vocab)
  }

  close(): void {
    for (const binding of this.#bound.values()) binding.release()
    this.#bound.clear()
  }

  /** Memory for the logits of `length` ids. */
  #logitsOf(length: number): Tensor<'float32'> {
    if (this.#all && (this.#all.dims[1] as number) >= length) return this.#all
    this.close() // what was bound is bound to the smaller memory
    this.#all = createTensor('float32', [1, Math.max(length, this.#chunk), this.#model.vocab])
    return this.#all
  }

  #bindingFor(length: number, whole: boolean, logits: Tensor): Binding {
    const key = `${whole}/${this.#bank.current}`
    const known = length === this.#chunk ? this.#bound.get(key) : undefined
    if (known) return known
    const made = this.#model.bind(this.#bank, view(this.#ids, [1, length]), this.#position, logits)
    if (length === this.#chunk) this.#bound.set(key, made)
    return made
  }

  /** Makes room for a sequence of so many tokens; `keep` its state. */
  #reserve(tokens: number, keep: boolean): void {
    const capacity = this.#model.capacityFor(tokens)
    if (capacity === this.#bank.capacity || (keep && capacity < this.#bank.capacity)) return
    const state = keep ? this.save(0) : null
    this.close()
    this.#bank = new StateBank(this.#model.state, 1, capacity)
    if (state) this.#bank.load(0, state)
  }
}
