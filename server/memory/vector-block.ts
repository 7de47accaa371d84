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
    const [data, width, all] = [this.#data, this.width, this.#seqs]
    const seqs = allowed ? all.filter((seq) => allowed.has(seq)) : all
    const scores = new Float64Array(seqs.length)
    for (let at = 0; at < seqs.length; at++) {
      const row = allowed ? this.#rows.get(seqs[at]!)! : at
      scores[at] = innerProduct(query, data, row * width)
    }
    return best(seqs, scores, most)
  }

  #grow(): void {
    const larger = new Float32Array(this.#data.length * 2)
    larger.set(this.#data)
    this.#data = larger
  }
}

/** The inner product of a vector and of as many numbers from `start` on. */
function innerProduct(vector: Float32Array, data: Float32Array, start: number): number {
  // Four sums, so that an addition need not wait for the one before it.
  let [a, b, c, d] = [0, 0, 0, 0]
  const whole = vector.length & ~3
  for (let i = 0, at = start; i < whole; i += 4, at += 4) {
    a += vector[i]! * data[at]!
    b += vector[i + 1]! * data[at + 1]!
    c += vector[i + 2]! * data[at + 2]!
    d += vector[i + 3]! * data[at + 3]!
  }
  for (let i = whole; i < vector.length; i++) a += vector[i]! * data[start + i]!
  return a + b + (c + d)
}
