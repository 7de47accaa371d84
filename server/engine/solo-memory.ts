/** One sequence in memory of its own: prompts, a reply that nothing else decodes beside, and several tokens at once. */
import type { Binding } from '../../runtime/graph.ts'
import { createTensor, type Tensor } from '../../runtime/tensor.ts'
import type { SessionState } from '../checkpoint.ts'
import { type CallBuffers, DRAFT_CALL } from './call-buffers.ts'
import type { DecoderModel } from './decoder-model.ts'
import { ExitMemory } from './early-stage.ts'
import type { ExitCalls } from './runner.ts'
import { StateBank } from './state-bank.ts'

export class SoloMemory {
  readonly #model: DecoderModel
  readonly #buffers: CallBuffers
  readonly #chunk: number
  #bank: StateBank
  /** Logits of a call's last id. */
  readonly #last: Tensor<'float32'>
  /** The fixed entries before a draft was verified, where that overwrites them. */
  #before: SessionState | null = null
  #exit: ExitMemory | null = null
  /**
   * Bindings of calls of `chunk` ids and of few, which most calls are, and of calls that verify drafts; others are bound
   * for one call.
   */
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
    const usual = !whole && (ids.length === this.#chunk || ids.length <= DRAFT_CALL)
    const binding = this.#bindingFor(this.#buffers.fill(ids, position), logits, usual)
    try {
      await binding.run()
    } finally {
      if (!usual) binding.release()
    }
    this.#bank.swap()
    return wanted === 'all' ? logits.data : logits.data.subarray(-vocab)
  }

  /**
   * Feeds ids of which some are a draft; returns the logits of every one, valid until the next step. The state stays what
   * it was until `accept`.
   */
  async verify(ids: readonly number[], position: number): Promise<Float32Array> {
    this.reserve(position + ids.length, position)
    this.#before = this.#bank.overwrites ? this.#bank.save(0, 0, 0) : null
    const logits = this.#buffers.draftLogits(ids.length)
    await this.#bindingFor(this.#buffers.fill(ids, position), logits, true).run()
    return logits.data
  }

  /** Tokens that the early stage has follow `ids`, which come after `position` tokens. The state stays what it was. */
  async runAhead(ids: readonly number[], position: number, { most, choose }: ExitCalls): Promise<number[]> {
    this.reserve(position + ids.length + most, position)
    const { early, vocab } = this.#model
    this.#exit ??= new ExitMemory(early!, this.#buffers, vocab)
    const found: number[] = []
    let [fed, at] = [ids, position]
    while (found.length < most) {
      const id = choose(await this.#exit.run(this.#bank, fed, at, found.length))
      if (id === null) break
      found.push(id)
      at += fed.length
      fed = [id]
    }
    return found
  }

  /** The ids that were fed last are right, or some are not. Positions beyond the sequence's own are written again later. */
  accept(areRight: boolean): void {
    if (areRight) this.#bank.swap()
    else if (this.#before) this.#bank.loadFixed(0, this.#before)
    this.#before = null
  }

  close(): void {
    for (const binding of this.#bound.values()) binding.release()
    this.#bound.clear()
    this.#exit?.close()
  }

  #bindingFor(ids: Tensor, logits: Tensor, usual: boolean): Binding {
    const key = `${ids.dims[1]}/${logits.dims[1]}/${this.#bank.current}`
    const known = usual ? this.#bound.get(key) : undefined
    if (known) return known
    const made = this.#model.bind(this.#bank, ids, this.#buffers.position, logits)
    if (usual) this.#bound.set(key, made)
    return made
  }
}
