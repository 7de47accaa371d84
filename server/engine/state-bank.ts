/** The memory of session states: batch-first tensors, in two sets that take turns. */
import type { Bundle } from '../../runtime/bundle.ts'
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'

type Entry = Bundle['manifest']['state'][number]

export class StateBank {
  readonly #entries: readonly Entry[]
  readonly #sets: readonly [readonly Tensor[], readonly Tensor[]]
  #current: 0 | 1 = 0

  /** Zero states of `rows` rows. A run reads one set and writes the other. */
  constructor(entries: readonly Entry[], rows: number) {
    this.#entries = entries
    const make = (): Tensor[] => entries.map(({ dtype, shape }) => createTensor(dtype, [rows, ...inner(shape)]))
    const first = make()
    // In place only where every kernel allows it: one that does not would read what it has already overwritten.
    this.#sets = entries.every(({ inPlace }) => inPlace) ? [first, first] : [first, make()]
  }

  /** Which set the next run reads. */
  get current(): 0 | 1 {
    return this.#current
  }

  /** Bytes of one row. */
  get rowBytes(): number {
    return this.#row(0).reduce((sum, part) => sum + part.length, 0)
  }

  /** What a run of the first `rows` rows binds now. */
  bind(rows: number): { inputs: Record<string, Tensor>; outputs: Record<string, Tensor> } {
    const pick = (set: readonly Tensor[], name: 'input' | 'output'): Record<string, Tensor> =>
      Object.fromEntries(this.#entries.map((e, i) => [e[name], view(set[i] as Tensor, [rows, ...inner(e.shape)])]))
    const next = this.#current === 0 ? 1 : 0
    return { inputs: pick(this.#sets[this.#current], 'input'), outputs: pick(this.#sets[next], 'output') }
  }

  /** A run has been done: what it wrote is the state now. */
  swap(): void {
    this.#current = this.#current === 0 ? 1 : 0
  }

  /** Sets a row; null is the zero state. */
  load(row: number, state: Uint8Array | null): void {
    let offset = 0
    for (const part of this.#row(row)) {
      if (state) part.set(state.subarray(offset, offset + part.length))
      else part.fill(0)
      offset += part.length
    }
  }

  /** A copy of a row: its entries one after the other, in the manifest's order. */
  save(row: number): Uint8Array {
    const parts = this.#row(row)
    const state = new Uint8Array(this.rowBytes)
    let offset = 0
    for (const part of parts) {
      state.set(part, offset)
      offset += part.length
    }
    return state
  }

  #row(row: number): Uint8Array[] {
    return this.#sets[this.#current].map(({ data, dims }) => {
      const bytes = data.byteLength / (dims[0] as number)
      return new Uint8Array(data.buffer, data.byteOffset + row * bytes, bytes)
    })
  }
}

function inner(shape: Entry['shape']): number[] {
  return shape.slice(1).map(Number)
}
