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
const CONSTRUCTION_WIDTH = 40
/** How widely an index is searched: the first that finds what is wanted, or the last. */
const SEARCH_WIDTHS = [128, 256, 512, 1024] as const
/** Of the ten nearest, so many have to be found. */
export const LEAST_RECALL = 0.95
/** And so many of them by a sample, which may have been lucky. */
const WANTED_RECALL = 0.97
const NEAREST = 10
/** FAISS adds up in another order: so much less than a score, as a share of the best, is the same. */
const ROUNDING = 1e-5

/** Vectors that the index is asked for, and the nearest of each, exactly. */
interface Sample {
  readonly queries: readonly Float32Array[]
  readonly exact: readonly TopRanked[]
}

export class Building {
  readonly #faiss: Faiss
  readonly #width: number
  /** Null once its bytes are there. */
  #index: FaissIndex | null
  readonly #own: Sample
  readonly #elsewhere: Sample
  readonly #chunk: VectorBlock
  #bytes: Buffer | null = null

  /** `own`: some of the vectors that will be added. */
  constructor(faiss: Faiss, width: number, own: readonly Float32Array[]) {
    this.#faiss = faiss
    this.#width = width
    this.#own = sampleOf(own)
    // A question lies otherwise than what answers it. What lies nowhere near any vector is the hardest to find the nearest of.
    this.#elsewhere = sampleOf(own.map(() => randomDirection(width)))
    this.#chunk = new VectorBlock(width, new VectorPages())
    const empty = faiss.Index.fromFactory(width, `HNSW${LINKS}`, INNER_PRODUCT).toBuffer()
    setSearchWidths(empty, { from: null, to: { construction: CONSTRUCTION_WIDTH, search: SEARCH_WIDTHS[0] } })
    this.#index = faiss.Index.fromBuffer(empty)
  }

  add(vectors: Float32Array): void {
    if (!this.#index) throw new Error('expected an index that still grows, got one whose bytes were taken')
    const first = this.#index.ntotal()
    this.#index.add(Array.from(vectors))
    this.#chunk.clear()
    for (let row = 0; row * this.#width < vectors.length; row++)
      this.#chunk.set(first + row, vectors.subarray(row * this.#width, (row + 1) * this.#width))
    for (const { queries, exact } of [this.#own, this.#elsewhere])
      for (const [at, query] of queries.entries())
        for (const { seq, score } of this.#chunk.nearest(query, NEAREST + 1)) exact[at]!.add(seq, score)
  }

  /** How much it finds; where that is too little, it is searched more widely. */
  check(): Checked {
    let found = this.#found(this.#index!, SEARCH_WIDTHS[0])
    for (const searchWidth of SEARCH_WIDTHS.slice(1)) {
      if (Math.min(found.recall, found.elsewhere) >= WANTED_RECALL) break
      const bytes = this.#take()
      const construction = CONSTRUCTION_WIDTH
      setSearchWidths(bytes, {
        from: { construction, search: found.searchWidth },
        to: { construction, search: searchWidth },
      })
      found = this.#found(this.#faiss.Index.fromBuffer(bytes), searchWidth)
      // An index may be gigabytes that V8 knows nothing of.
      globalThis.gc?.()
    }
    return found
  }

  /** Writes it to the process's file. */
  write(): Written {
    const bytes = this.#take()
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    for (let at = 0; at < bytes.length;) at += writeSync(INDEX_FILE, bytes, at, Math.min(bytes.length - at, 1 << 26))
    fsyncSync(INDEX_FILE)
    return { sha256, bytes: bytes.length }
  }

  /** Once: each call would take memory that does not come back. The index itself goes. */
  #take(): Buffer {
    this.#bytes ??= this.#index!.toBuffer()
    this.#index = null
    globalThis.gc?.()
    return this.#bytes
  }

  #found(index: FaissIndex, searchWidth: number): Checked {
    return { recall: recallOf(index, this.#own), elsewhere: recallOf(index, this.#elsewhere), searchWidth }
  }
}

/** One more than what is looked for: a query that is itself among the vectors does not count. */
function sampleOf(queries: readonly Float32Array[]): Sample {
  return { queries, exact: queries.map(() => new TopRanked(NEAREST + 1)) }
}

/** A vector of length 1, all directions equally likely (Box & Muller 1958). */
function randomDirection(width: number): Float32Array {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
  const vector = Float32Array.from({ length: width }, normal)
  const length = Math.hypot(...vector)
  return vector.map((number) => number / length)
}

/** Of equally near vectors any are as good: the same sentence of many users has one vector. */
function recallOf(index: FaissIndex, { queries, exact }: Sample): number {
  let [found, wanted] = [0, 0]
  for (const [at, query] of queries.entries()) {
    const nearest = exact[at]!.sorted()
    const least = nearest.at(-1)!.score - ROUNDING * Math.abs(nearest[0]!.score)
    const { distances, labels } = index.search(Array.from(query), nearest.length)
    const near = distances.filter((score, i) => labels[i]! >= 0 && score >= least)
    found += Math.max(0, near.length - 1)
    wanted += nearest.length - 1
  }
  return wanted === 0 ? 1 : found / wanted
}
