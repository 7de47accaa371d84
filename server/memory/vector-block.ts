/** The vectors of one namespace in one block of memory, scanned whole: exact, and no index to fall out of step. */
import { best, type Ranked } from './rank.ts'

const FIRST_ROWS = 16

export class VectorBlock {
  readonly width: number
  readonly #rows = new Map<number, number>()
  #seqs: number[] = []
  #data: Float32Array

  constructor(width: number) {
    this.width = width
    this.#data = new Float32Array(FIRST_ROWS * width)
  }

  get size(): number {
    return this.#seqs.length
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#data.byteLength
  }

  /** Adds the vector of a memory, or puts it in the place of its old one. */
  set(seq: number, vector: Float32Array): void {
    if (vector.length !== this.width)
      throw new RangeError(`vector: expected ${this.width} numbers, got ${vector.length}`)
    let row = this.#rows.get(seq)
    if (row === undefined) {
      row = this.#seqs.length
      if ((row + 1) * this.width > this.#data.length) this.#grow()
      this.#seqs.push(seq)
      this.#rows.set(seq, row)
    }
    this.#data.set(vector, row * this.width)
  }

  /** Forgets a memory: the last one takes its row, and no copy of the vector stays. */
  delete(seq: number): void {
    const row = this.#rows.get(seq)
    if (row === undefined) return
    const last = this.#seqs.length - 1
    const moved = this.#seqs[last]!
    this.#data.copyWithin(row * this.width, last * this.width, (last + 1) * this.width)
    this.#data.fill(0, last * this.width, (last + 1) * this.width)
    this.#seqs[row] = moved
    this.#rows.set(moved, row)
    this.#seqs.pop()
    this.#rows.delete(seq)
  }

  /** The nearest memories by inner product, best first. `allowed` chooses among them; all if it is null. */
  nearest(query: Float32Array, most: number, allowed: ReadonlySet<number> | null): Ranked[] {
    const rows = [...this.#seqs.keys()].filter((row) => !allowed || allowed.has(this.#seqs[row]!))
    const scores = Float64Array.from(rows, (row) => this.#product(query, row))
    return best(
      rows.map((row) => this.#seqs[row]!),
      scores,
      most,
    )
  }

  /** Four sums at once: a processor adds them side by side. */
  #product(query: Float32Array, row: number): number {
    const [data, width, start] = [this.#data, this.width, row * this.width]
    let [a, b, c, d] = [0, 0, 0, 0]
    let i = 0
    for (; i + 3 < width; i += 4) {
      a += query[i]! * data[start + i]!
      b += query[i + 1]! * data[start + i + 1]!
      c += query[i + 2]! * data[start + i + 2]!
      d += query[i + 3]! * data[start + i + 3]!
    }
    for (; i < width; i++) a += query[i]! * data[start + i]!
    return a + b + (c + d)
  }

  #grow(): void {
    const larger = new Float32Array(this.#data.length * 2)
    larger.set(this.#data)
    this.#data = larger
  }
}
