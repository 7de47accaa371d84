/** The memory of the states of some rows: batch-first tensors, in two sets that take turns. */
import type { StateEntry } from '../../runtime/bundle.ts'
import { createTensor, view, type Tensor } from '../../runtime/tensor.ts'
import { PAGE_POSITIONS, sharedBytes, type SessionState } from '../checkpoint.ts'

/** One row's memory of an entry. */
interface Part {
  readonly kind: StateEntry['kind']
  readonly bytes: Uint8Array
  /** Of append entries, [before, time, after]: each of the leading indices has its positions in one piece. */
  readonly before: number
}

export class StateBank {
  /** Positions that there is memory for in append entries. */
  readonly capacity: number
  readonly #entries: readonly StateEntry[]
  readonly #sets: readonly [readonly Tensor[], readonly Tensor[]]
  #current: 0 | 1 = 0

  /** Zero states of `rows` rows. A run reads one set and writes the other; append entries are in both. */
  constructor(entries: readonly StateEntry[], rows: number, capacity = 0) {
    this.#entries = entries
    this.capacity = capacity
    const make = (entry: StateEntry): Tensor => createTensor(entry.dtype, [rows, ...this.#inner(entry)])
    const first = entries.map(make)
    // In place only where every kernel allows it: one that does not would read what it has already overwritten.
    const shared = entries.every(({ inPlace }) => inPlace)
    const other = (entry: StateEntry, at: number): Tensor =>
      shared || entry.kind === 'append' ? (first[at] as Tensor) : make(entry)
    this.#sets = [first, entries.map(other)]
  }

  /** Which set the next run reads. */
  get current(): 0 | 1 {
    return this.#current
  }

  /** Bytes of one row's fixed entries. */
  get rowBytes(): number {
    return this.#parts(0, 'fixed').reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  /** Bytes of all its memory. */
  get bytes(): number {
    const buffers = new Set(this.#sets.flat().map(({ data }) => data.buffer))
    return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  /** Whether a run overwrites fixed entries that it reads. */
  get overwrites(): boolean {
    return this.#entries.some(({ kind }, at) => kind === 'fixed' && this.#sets[0][at] === this.#sets[1][at])
  }

  /** What a run of the first `rows` rows binds now. */
  bind(rows: number): { inputs: Record<string, Tensor>; outputs: Record<string, Tensor> } {
    const pick = (set: readonly Tensor[], name: 'input' | 'output'): Record<string, Tensor> =>
      Object.fromEntries(this.#entries.map((e, i) => [e[name], view(set[i] as Tensor, [rows, ...this.#inner(e)])]))
    const next = this.#current === 0 ? 1 : 0
    return { inputs: pick(this.#sets[this.#current], 'input'), outputs: pick(this.#sets[next], 'output') }
  }

  /** A run has been done: what it wrote is the state now. */
  swap(): void {
    this.#current = this.#current === 0 ? 1 : 0
  }

  /** Sets a row; null is the zero state. What append entries hold beyond the state's positions does not matter. */
  load(row: number, state: SessionState | null): void {
    this.loadFixed(row, state)
    for (const [at, page] of (state?.pages ?? []).entries()) this.#copyPage(row, at * PAGE_POSITIONS, page, 'in')
  }

  /** Sets a row's fixed entries only. */
  loadFixed(row: number, state: SessionState | null): void {
    let offset = 0
    for (const { bytes } of this.#parts(row, 'fixed')) {
      if (state) bytes.set(state.fixed.subarray(offset, offset + bytes.length))
      else bytes.fill(0)
      offset += bytes.length
    }
  }

  /** Sets a fixed entry of a row. Throws where there is none of that name and size. */
  setEntry(row: number, name: string, values: Float32Array): void {
    const at = this.#entries.findIndex((entry) => entry.kind === 'fixed' && entry.name === name)
    const { bytes } = this.#parts(row)[at] ?? { bytes: new Uint8Array() }
    if (bytes.length !== values.byteLength)
      throw new Error(`state ${name}: expected ${bytes.length} bytes of a fixed entry, got ${values.byteLength}`)
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
  }

  /** A copy of a row that has been fed `position` tokens, without the pages before `firstPage`. */
  save(row: number, position: number, firstPage: number): SessionState {
    const fixed = sharedBytes(this.rowBytes)
    let offset = 0
    for (const { bytes } of this.#parts(row, 'fixed')) {
      fixed.set(bytes, offset)
      offset += bytes.length
    }
    const perPosition = this.#parts(row, 'append').reduce((sum, part) => sum + part.bytes.length / this.capacity, 0)
    if (perPosition === 0) return { fixed, pages: [], firstPage: 0 }
    const pages: Uint8Array[] = []
    for (let at = firstPage * PAGE_POSITIONS; at < position; at += PAGE_POSITIONS) {
      const page = sharedBytes(Math.min(PAGE_POSITIONS, position - at) * perPosition)
      this.#copyPage(row, at, page, 'out')
      pages.push(page)
    }
    return { fixed, pages, firstPage }
  }

  /** Makes row `to` what a row of `source` is, of a sequence that has been fed `position` tokens. */
  copyRow(to: number, source: StateBank, from: number, position: number): void {
    const origins = source.#parts(from)
    for (const [at, { bytes, before, kind }] of this.#parts(to).entries()) {
      const origin = origins[at]?.bytes as Uint8Array
      if (kind === 'fixed') {
        bytes.set(origin)
        continue
      }
      const [line, originLine] = [bytes.length / before, origin.length / before]
      const length = (line / this.capacity) * position
      for (let index = 0; index < before; index++)
        bytes.set(origin.subarray(index * originLine, index * originLine + length), index * line)
    }
  }

  /** Copies the positions of one page, which holds entry after entry, between the page and the row. */
  #copyPage(row: number, from: number, page: Uint8Array, direction: 'in' | 'out'): void {
    const parts = this.#parts(row, 'append')
    const perPosition = parts.reduce((sum, { bytes }) => sum + bytes.length / this.capacity, 0)
    const positions = page.length / perPosition
    let offset = 0
    for (const { bytes, before } of parts) {
      const line = bytes.length / before
      const position = line / this.capacity
      for (let index = 0; index < before; index++) {
        const start = index * line + from * position
        const inRow = bytes.subarray(start, start + positions * position)
        const inPage = page.subarray(offset, offset + inRow.length)
        if (direction === 'in') inRow.set(inPage)
        else inPage.set(inRow)
        offset += inRow.length
      }
    }
  }

  /** One row's memory of the entries of a kind, or of all. */
  #parts(row: number, wanted?: StateEntry['kind']): Part[] {
    return this.#sets[this.#current].flatMap(({ data, dims }, at) => {
      const { kind, shape } = this.#entries[at] as StateEntry
      if (wanted !== undefined && kind !== wanted) return []
      const length = data.byteLength / (dims[0] as number)
      const bytes = new Uint8Array(data.buffer, data.byteOffset + row * length, length)
      const before = dims.slice(1, Math.max(1, shape.indexOf('time'))).reduce((product, dim) => product * dim, 1)
      return [{ kind, bytes, before }]
    })
  }

  #inner({ shape }: StateEntry): number[] {
    return shape.slice(1).map((dim) => (dim === 'time' ? this.capacity : Number(dim)))
  }
}
