/** One sequence in memory of its own: prompts, a reply that nothing else decodes beside, and several tokens at once. */
import type { Binding } from '../../runtime/graph.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import type { SessionState } from '../checkpoint.ts'
import type { CallBuffers } from './call-buffers.ts'
import type { DecoderModel } from './decoder-model.ts'
import { StateBank } from './state-bank.ts'

export class SoloMemory {
  readonly #model: DecoderModel
  readonly #buffers: CallBuffers
  readonly #chunk: number
  #bank: StateBank
  /** Logits of a call's last id. */
  readonly #last: Tensor<'float32'>
  /** Bindings of calls of `chunk` ids and of one, which most calls are; other lengths are bound for one call. */
  readonly #bound = new Map<string, Binding>()

  /** `chunk` is the usual number of ids of a prompt's call. */
  constructor(model: DecoderModel, buffers: CallBuffers, chunk: number) {
    this.#model = model
    this.#buffers = buffers
    this.#chunk = chunk
    this.#bank = new StateBank(model.state, 1, model.capacityFor(1))
    this.#last = createTensor('float32', [1, 1, model.vocab])
  }

  /** Row 0 is the sequence's. */
  get bank(): StateBank {
    return this.#bank
  }

  get bytes(): number {
    return this.#bank.bytes
  }

  /** Makes room for `tokens` tokens; the first `kept` positions stay. */
  reserve(tokens: number, kept: number): void {
    const capacity = this.#model.capacityFor(tokens)
    if (capacity <= this.#bank.capacity) return
    const before = this.#bank
    this.close()
    this.#bank = new StateBank(this.#model.state, 1, capacity)
    this.#bank.copyRow(0, before, 0, kept)
  }

  /** Sets the state of a sequence that has been fed `position` tokens; null is the zero state. */
  load(state: SessionState | null, position: number): void {
    this.reserve(position, 0)
    this.#bank.load(0, state)
  }

  /**
   * Feeds ids to a sequence that has been fed `position` tokens; returns the logits of the last one, or of every one:
   * valid until the next call of this sequence, and until the next step.
   */
  async run(ids: readonly number[], position: number, wanted: 'last' | 'all'): Promise<Float32Array> {
    this.reserve(position + ids.length, position)
    const { vocab, selectable } = this.#model
    const whole = ids.length > 1 && (wanted === 'all' || !selectable)
    const logits = whole ? this.#buffers.logits(ids.length) : this.#last
    const usual = !whole && (ids.length === this.#chunk || ids.length === 1)
    const binding = this.#bindingFor(this.#buffers.fill(ids, position), logits, usual)
    try {
      await binding.run()
    } finally {
      if (!usual) binding.release()
    }
    this.#bank.swap()
    return wanted === 'all' ? logits.data : logits.data.subarray(-vocab)
  }

  close(): void {
    for (const binding of this.#bound.values()) binding.release()
    this.#bound.clear()
  }

  #bindingFor(ids: Tensor, logits: Tensor, usual: boolean): Binding {
    const key = `${ids.dims[1]}/${this.#bank.current}`
    const known = usual ? this.#bound.get(key) : undefined
    if (known) return known
    const made = this.#model.bind(this.#bank, ids, this.#buffers.position, logits)
    if (usual) this.#bound.set(key, made)
    return made
  }
}
