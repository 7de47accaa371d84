/** The vectors of one namespace in pages of memory, scanned whole: exact, and no index to fall out of step. */
import { TopRanked } from './top-ranked.ts'
import type { Ranked } from './rank.ts'
import { PAGE_BYTES, strideOf, type VectorPages } from './vector-pages.ts'

export class VectorBlock {
  readonly width: number
  readonly #memory: VectorPages
  readonly #stride: number
  readonly #perPage: number
  readonly #rows = new Map<number, number>()
  readonly #seqs: number[] = []
  readonly #pages: number[] = []

  constructor(width: number, memory: VectorPages) {
    this.width = width
    this.#memory = memory
    this.#stride = strideOf(width)
    this.#perPage = Math.floor(PAGE_BYTES / this.#stride)
  }

  get size(): number {
    return this.#seqs.length
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#pages.length * PAGE_BYTES
  }

  /** Adds the vector of a memory, or puts it in the place of its old one. */
  set(seq: number, vector: Float32Array): void {
    if (vector.length !== this.width)
      throw new RangeError(`vector: expected ${this.width} numbers, got ${vector.length}`)
    let row = this.#rows.get(seq)
    if (row === undefined) {
      row = this.#seqs.length
      if (row === this.#pages.length * this.#perPage) this.#pages.push(this.#memory.take())
      this.#seqs.push(seq)
      this.#rows.set(seq, row)
    }
    this.#row(row).set(vector)
  }

  /** Forgets a memory: the last one takes its row, and no copy of the vector stays. */
  delete(seq: number): void {
    const row = this.#rows.get(seq)
    if (row === undefined) return
    const last = this.#seqs.length - 1
    const moved = this.#seqs[last]!
    this.#row(row).set(this.#row(last))
    this.#row(last).fill(0)
    this.#seqs[row] = moved
    this.#rows.set(moved, row)
    this.#seqs.pop()
    this.#rows.delete(seq)
    if (last === (this.#pages.length - 1) * this.#perPage) this.#memory.release(this.#pages.pop()!)
  }

  /** Gives the memory back; the block is empty then. */
  clear(): void {
    for (const page of this.#pages.splice(0)) this.#memory.release(page)
    this.#seqs.length = 0
    this.#rows.clear()
  }

  /** The nearest memories by inner product, best first; of equal ones the later memory. */
  nearest(query: Float32Array, most: number): Ranked[] {
    const top = new TopRanked(most)
    this.#memory.setQuery(query, this.#stride)
    for (const [at, page] of this.#pages.entries()) {
      const first = at * this.#perPage
      const count = Math.min(this.#perPage, this.#seqs.length - first)
      const scores = this.#memory.scores(page, count, this.#stride)
      for (let i = 0; i < count; i++) if (scores[i]! >= top.least) top.add(this.#seqs[first + i]!, scores[i]!)
    }
    return top.sorted()
  }

  #row(row: number): Float32Array {
    const page = this.#pages[Math.floor(row / this.#perPage)]!
    return this.#memory.row(page, row % this.#perPage, this.#stride, this.width)
  }
}
