/** The vectors of one namespace in memory, scanned whole: exact, and no index to fall out of step. */
import { codesStrideOf, errorOfCodes, lengthOf, writeCodes } from './codes.ts'
import { LargestScores } from './largest-scores.ts'
import { PagedRows } from './paged-rows.ts'
import { TopRanked } from './top-ranked.ts'
import type { Ranked } from './rank.ts'
import { strideOf, type VectorPages } from './vector-pages.ts'

/** From so many vectors on codes of a quarter of their bytes are compared first, and the vectors only of what can be among the best. */
const CODED_FROM = 1000

export class VectorBlock {
  readonly width: number
  readonly #memory: VectorPages
  readonly #vectors: PagedRows
  readonly #codes: PagedRows
  readonly #rows = new Map<number, number>()
  readonly #seqs: number[] = []
  #isCoded = false
  /** Of vectors since the block was empty. */
  #most = { length: 0, rest: 0 }

  constructor(width: number, memory: VectorPages) {
    this.width = width
    this.#memory = memory
    this.#vectors = new PagedRows(strideOf(width), memory)
    this.#codes = new PagedRows(codesStrideOf(width), memory)
  }

  get size(): number {
    return this.#seqs.length
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#vectors.bytes + this.#codes.bytes
  }

  /** Adds the vector of a memory, or puts it in the place of its old one. */
  set(seq: number, vector: Float32Array): void {
    if (vector.length !== this.width)
      throw new RangeError(`vector: expected ${this.width} numbers, got ${vector.length}`)
    let row = this.#rows.get(seq)
    if (row === undefined) {
      row = this.#seqs.length
      this.#vectors.push()
      if (this.#isCoded) this.#codes.push()
      this.#seqs.push(seq)
      this.#rows.set(seq, row)
    }
    this.#vector(row).set(vector)
    if (this.#isCoded) this.#encode(row)
    else if (this.#seqs.length >= CODED_FROM) this.#encodeAll()
  }

  /** Forgets a memory: the last one takes its row, and no copy of the vector stays. */
  delete(seq: number): void {
    const row = this.#rows.get(seq)
    if (row === undefined) return
    const last = this.#seqs.length - 1
    const moved = this.#seqs[last]!
    for (const rows of this.#isCoded ? [this.#vectors, this.#codes] : [this.#vectors]) {
      rows.move(last, row)
      rows.pop()
    }
    this.#seqs[row] = moved
    this.#rows.set(moved, row)
    this.#seqs.pop()
    this.#rows.delete(seq)
  }

  /** Gives the memory back; the block is empty then. */
  clear(): void {
    this.#vectors.clear()
    this.#codes.clear()
    this.#seqs.length = 0
    this.#rows.clear()
    this.#isCoded = false
    this.#most = { length: 0, rest: 0 }
  }

  /** The nearest memories by inner product, best first; of equal ones the later memory. */
  nearest(query: Float32Array, most: number): Ranked[] {
    const top = new TopRanked(most)
    const scale = this.#memory.setQuery(query, this.#vectors.stride)
    const add = (row: number, score: number): void => {
      if (score >= top.least) top.add(this.#seqs[row]!, score)
    }
    const { stride } = this.#vectors
    if (this.#isCoded)
      for (const row of this.#candidates(query, scale, most))
        add(row, this.#memory.scores(this.#vectors.at(row), 1, stride)[0]!)
    else
      this.#byPage(this.#vectors, (rows, first, count) => {
        const scores = this.#memory.scores(rows, count, stride)
        for (let i = 0; i < count; i++) add(first + i, scores[i]!)
      })
    return top.sorted()
  }

  /** Rows that can be among the best: by their codes not further behind the last of these than both can be wrong. */
  #candidates(query: Float32Array, scale: number, most: number): number[] {
    const error = errorOfCodes(query, scale, this.#most)
    const largest = new LargestScores(most, (2 * error) / scale)
    const { stride } = this.#codes
    this.#byPage(this.#codes, (rows, first, count) =>
      largest.addAll(first, this.#memory.scoresOfCodes(rows, count, stride), count),
    )
    return largest.items()
  }

  /** `work` gets where the rows of a page are in memory, the number of the first one, and how many there are. */
  #byPage(rows: PagedRows, work: (at: number, first: number, count: number) => void): void {
    for (let first = 0; first < this.#seqs.length; first += rows.perPage)
      work(rows.at(first), first, Math.min(rows.perPage, this.#seqs.length - first))
  }

  #vector(row: number): Float32Array {
    return new Float32Array(this.#memory.buffer, this.#vectors.at(row), this.width)
  }

  #encode(row: number): void {
    const vector = this.#vector(row)
    const rest = writeCodes(vector, this.#codes.row(row))
    this.#most.rest = Math.max(this.#most.rest, rest)
    this.#most.length = Math.max(this.#most.length, lengthOf(vector))
  }

  #encodeAll(): void {
    this.#isCoded = true
    for (let row = 0; row < this.#seqs.length; row++) {
      this.#codes.push()
      this.#encode(row)
    }
  }
}
