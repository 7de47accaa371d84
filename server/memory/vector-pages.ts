/** Memory for vectors, in pages of one size: blocks of any size come and go without leaving holes, and grow without being copied. */
import { createScan, VECTOR_ALIGNMENT, type Scan, type ScanMemory } from './scan-kernel.ts'

export const PAGE_BYTES = 64 * 1024

export class VectorPages {
  readonly #memory: ScanMemory
  readonly #scan: Scan
  readonly #free: number[] = []
  /** The first page holds the query, the second one scores. */
  #pages = 1

  constructor() {
    const { memory, scan } = createScan()
    this.#memory = memory
    this.#scan = scan
    this.take()
  }

  /** The number of a page that is all zeros. */
  take(): number {
    const page = this.#free.pop()
    if (page !== undefined) return page
    this.#memory.grow(1)
    return this.#pages++
  }

  /** Gives a page back; nothing of what was in it stays. */
  release(page: number): void {
    this.#bytes(page).fill(0)
    this.#free.push(page)
  }

  /** `row` of a page whose rows have `stride` bytes. */
  row(page: number, row: number, stride: number, width: number): Float32Array {
    return new Float32Array(this.#memory.buffer, page * PAGE_BYTES + row * stride, width)
  }

  /** The vector that `scores` compares with. */
  setQuery(vector: Float32Array, stride: number): void {
    this.#bytes(0).fill(0, 0, stride)
    new Float32Array(this.#memory.buffer, 0, vector.length).set(vector)
  }

  /** Inner products of the query and of the first `count` rows of a page; they are there until the next call. */
  scores(page: number, count: number, stride: number): Float32Array {
    this.#scan(0, page * PAGE_BYTES, count, stride, PAGE_BYTES)
    return new Float32Array(this.#memory.buffer, PAGE_BYTES, count)
  }

  #bytes(page: number): Uint8Array {
    return new Uint8Array(this.#memory.buffer, page * PAGE_BYTES, PAGE_BYTES)
  }
}

/** Bytes of a row of so many numbers. Throws RangeError where it does not fit into a page. */
export function strideOf(width: number): number {
  const stride = Math.ceil((width * 4) / VECTOR_ALIGNMENT) * VECTOR_ALIGNMENT
  if (stride > PAGE_BYTES) throw new RangeError(`vector: expected at most ${PAGE_BYTES / 4} numbers, got ${width}`)
  return stride
}
