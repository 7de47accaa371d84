/** An index in the making, in a process of its own. */
import { createHash } from 'node:crypto'
import { fsyncSync, writeSync } from 'node:fs'
import { TopRanked } from '../memory/top-ranked.ts'
import { VectorBlock } from '../memory/vector-block.ts'
import { VectorPages } from '../memory/vector-pages.ts'
import { INNER_PRODUCT, type Faiss, type FaissIndex } from './faiss.ts'
import { setSearchWidths } from './hnsw-settings.ts'
import { INDEX_FILE, type Checked, type Written } from './messages.ts'

/** Links of a vector (M of Malkov & Yashunin 2018), and how widely its neighbours are searched for. */
const LINKS = 32
const CONSTRUCTION_WIDTH = 80
/** How widely an index is searched: the first that finds enough. */
const SEARCH_WIDTHS = [128, 512] as const
/** Of the ten nearest, so many have to be found. */
export const LEAST_RECALL = 0.95
const NEAREST = 10
/** FAISS adds up in another order: so much less than a score, as a share of the best, is the same. */
const ROUNDING = 1e-5

export class Building {
  readonly #faiss: Faiss
  readonly #width: number
  readonly #index: FaissIndex
  readonly #queries: readonly Float32Array[]
  /** The nearest of each query, exactly: what is looked for in the end. */
  readonly #exact: readonly TopRanked[]
  readonly #chunk: VectorBlock
  #searchWidth: number = SEARCH_WIDTHS[0]
  #bytes: Buffer | null = null

  constructor(faiss: Faiss, width: number, queries: readonly Float32Array[]) {
    this.#faiss = faiss
    this.#width = width
    this.#queries = queries
    // The query is among the vectors, and does not count.
    this.#exact = queries.map(() => new TopRanked(NEAREST + 1))
    this.#chunk = new VectorBlock(width, new VectorPages())
    const empty = faiss.Index.fromFactory(width, `HNSW${LINKS}`, INNER_PRODUCT).toBuffer()
    setSearchWidths(empty, { from: null, to: { construction: CONSTRUCTION_WIDTH, search: SEARCH_WIDTHS[0] } })
    this.#index = faiss.Index.fromBuffer(empty)
  }

  add(vectors: Float32Array): void {
    const first = this.#index.ntotal()
    this.#index.add(Array.from(vectors))
    this.#chunk.clear()
    for (let row = 0; row * this.#width < vectors.length; row++)
      this.#chunk.set(first + row, vectors.subarray(row * this.#width, (row + 1) * this.#width))
    for (const [at, query] of this.#queries.entries())
      for (const { seq, score } of this.#chunk.nearest(query, NEAREST + 1)) this.#exact[at]!.add(seq, score)
  }

  /** How much it finds; where that is too little, it is searched more widely. */
  check(): Checked {
    let recall = this.#recallOf(this.#index)
    for (const wider of SEARCH_WIDTHS.slice(1)) {
      if (recall >= LEAST_RECALL) break
      const bytes = this.#take()
      const construction = CONSTRUCTION_WIDTH
      const to = { construction, search: wider }
      setSearchWidths(bytes, { from: { construction, search: this.#searchWidth }, to })
      this.#searchWidth = wider
      recall = this.#recallOf(this.#faiss.Index.fromBuffer(bytes))
    }
    return { recall, searchWidth: this.#searchWidth }
  }

  /** Writes it to the process's file. */
  write(): Written {
    const bytes = this.#take()
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    for (let at = 0; at < bytes.length;) at += writeSync(INDEX_FILE, bytes, at, Math.min(bytes.length - at, 1 << 26))
    fsyncSync(INDEX_FILE)
    return { sha256, bytes: bytes.length }
  }

  /** Once: each call would take memory that does not come back. */
  #take(): Buffer {
    return (this.#bytes ??= this.#index.toBuffer())
  }

  /** Of equally near vectors any are as good: the same sentence of many users has one vector. */
  #recallOf(index: FaissIndex): number {
    let [found, wanted] = [0, 0]
    for (const [at, query] of this.#queries.entries()) {
      const nearest = this.#exact[at]!.sorted()
      const least = nearest.at(-1)!.score - ROUNDING * Math.abs(nearest[0]!.score)
      const { distances, labels } = index.search(Array.from(query), nearest.length)
      const near = distances.filter((score, i) => labels[i]! >= 0 && score >= least)
      // The query itself does not count.
      found += Math.max(0, near.length - 1)
      wanted += nearest.length - 1
    }
    return wanted === 0 ? 1 : found / wanted
  }
}
