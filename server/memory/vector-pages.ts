/** Memory for vectors, in pages of one size: blocks of any size come and go without leaving holes, and grow without being copied. */
import { codesOfQuery } from './codes.ts'
import { createScan, SCALE_BYTES, VECTOR_ALIGNMENT, type Scan } from './scan-kernel.ts'
import type { WasmMemory } from './wasm.ts'

export const PAGE_BYTES = 64 * 1024
/** What the first pages hold: the query, its codes, and scores. */
const QUERY = 0
const CODES = PAGE_BYTES
const SCORES = 2 * PAGE_BYTES
const RESERVED = 3
/** Pages that are added at once, and as a share of those that are there. What nobody writes to takes no memory. */
const LEAST_GROWTH = 16
const GROWTH = 1 / 8

export class VectorPages {
  readonly #memory: WasmMemory
  readonly #scan: Scan
  readonly #scanCodes: Scan
  readonly #free: number[] = []
  /** Pages that have been taken; those behind them are there, and zero. */
  #taken = RESERVED

  #found = new Float32Array()

  constructor() {
    const { memory, scan, scanCodes } = createScan(RESERVED)
    this.#memory = memory
    this.#scan = scan
    this.#scanCodes = scanCodes
  }

  /** The number of a page that is all zeros. */
  take(): number {
    const page = this.#free.pop()
    if (page !== undefined) return page
    const there = this.#memory.buffer.byteLength / PAGE_BYTES
    // Not one by one: V8 collects garbage for each, as if all of the memory had come anew.
    if (this.#taken === there) this.#memory.grow(Math.max(LEAST_GROWTH, Math.ceil(there * GROWTH)))
    return this.#taken++
  }

  /** Gives a page back; nothing of what was in it stays. */
  release(page: number): void {
    new Uint8Array(this.#memory.buffer, page * PAGE_BYTES, PAGE_BYTES).fill(0)
    this.#free.push(page)
  }

  get buffer(): ArrayBuffer {
    return this.#memory.buffer
  }

  /** The vector that is compared with rows of `stride` bytes. Returns what its codes are to be multiplied with. */
  setQuery(vector: Float32Array, stride: number): number {
    const query = new Float32Array(this.#memory.buffer, QUERY, stride / 4).fill(0)
    query.set(vector)
    return codesOfQuery(vector, new Int16Array(this.#memory.buffer, CODES, stride / 4).fill(0))
  }

  /** Inner products of the query and of `count` rows from that byte on, with anything behind them; they are there until the next call. */
  scores(rows: number, count: number, stride: number): Float32Array {
    this.#scan(QUERY, rows, count, stride, SCORES)
    return this.#scores()
  }

  /** The same of the query's codes and of rows of codes. */
  scoresOfCodes(rows: number, count: number, stride: number): Float32Array {
    this.#scanCodes(CODES, rows, count, stride - SCALE_BYTES, SCORES)
    return this.#scores()
  }

  #scores(): Float32Array {
    if (this.#found.buffer !== this.#memory.buffer)
      this.#found = new Float32Array(this.#memory.buffer, SCORES, PAGE_BYTES / 4)
    return this.#found
  }
}

/** Bytes of a row of so many numbers. Throws RangeError where it does not fit into a page. */
export function strideOf(width: number): number {
  const stride = Math.ceil((width * 4) / VECTOR_ALIGNMENT) * VECTOR_ALIGNMENT
  if (stride > PAGE_BYTES) throw new RangeError(`vector: expected at most ${PAGE_BYTES / 4} numbers, got ${width}`)
  return stride
}
