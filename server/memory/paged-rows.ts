/** Rows of one size in pages of memory: they are added and taken away at the end. */
import { PAGE_BYTES, type VectorPages } from './vector-pages.ts'

export class PagedRows {
  readonly stride: number
  readonly perPage: number
  readonly #memory: VectorPages
  readonly #pages: number[] = []
  #size = 0

  constructor(stride: number, memory: VectorPages) {
    this.stride = stride
    this.perPage = Math.floor(PAGE_BYTES / stride)
    this.#memory = memory
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#pages.length * PAGE_BYTES
  }

  /** Adds a row of zeros. */
  push(): void {
    if (this.#size === this.#pages.length * this.perPage) this.#pages.push(this.#memory.take())
    this.#size++
  }

  /** Takes the last row away; nothing of it stays. */
  pop(): void {
    this.#size--
    this.row(this.#size).fill(0)
    if (this.#size === (this.#pages.length - 1) * this.perPage) this.#memory.release(this.#pages.pop()!)
  }

  clear(): void {
    for (const page of this.#pages.splice(0)) this.#memory.release(page)
    this.#size = 0
  }

  /** Where a row is in the memory. */
  at(row: number): number {
    return this.#pages[Math.floor(row / this.perPage)]! * PAGE_BYTES + (row % this.perPage) * this.stride
  }

  row(row: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.at(row), this.stride)
  }

  /** Puts a row in the place of another one. */
  move(from: number, to: number): void {
    this.row(to).set(this.row(from))
  }
}
