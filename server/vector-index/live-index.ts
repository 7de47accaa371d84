/** An index that is searched, with what has changed since it was made: together they know every vector. */
import type { VectorTables } from '../store/vector-tables.ts'
import { innerProduct, TopRanked } from '../memory/top-ranked.ts'
import type { Ranked } from '../memory/rank.ts'
import { VectorBlock } from '../memory/vector-block.ts'
import type { VectorPages } from '../memory/vector-pages.ts'
import type { FoundIndex, IndexKey } from './index-files.ts'
import type { Labels } from './messages.ts'

/** What a search asks an index for: more than what ranks, since memories may be gone, or of another user. */
export const CANDIDATES = 128
const CANDIDATES_OF_OTHERS = 512

/** From this share of changed vectors on it is made anew. */
const MOST_CHANGED = 1 / 5

export class LiveIndex {
  /** In the process that holds it. */
  readonly number: number
  readonly found: FoundIndex
  /** Vectors that are not in it, or were others when it was made. */
  readonly #changes: VectorBlock
  /** Memories whose vectors may be others by now. */
  readonly #stale = new Set<number>()
  readonly #gone = new Set<number>()
  readonly #tables: VectorTables
  #goneBefore: number
  /** Whether its file is there, from which it can be loaded again. */
  onDisk = true
  /** Whether the process of the indexes has it. */
  loaded = false

  constructor(number: number, found: FoundIndex, tables: VectorTables, memory: VectorPages) {
    const { info, seqs } = found
    this.number = number
    this.found = found
    this.#tables = tables
    this.#changes = new VectorBlock(info.width, memory)
    const indexed = new Set(seqs)
    let again = 0
    for (const { seq, vector } of tables.changedSince(info, info.version, -1)) {
      this.#changes.set(seq, vector)
      if (indexed.has(seq)) again++
    }
    this.#goneBefore = Math.max(0, seqs.length - tables.unchanged(info, info.version) - again)
  }

  get key(): IndexKey {
    return this.found.info
  }

  /** Memories in it that are deleted. */
  get gone(): number {
    return this.#goneBefore + this.#gone.size
  }

  /** So much is not in it that making it anew pays. */
  get isOld(): boolean {
    return this.#changes.size + this.gone >= MOST_CHANGED * this.found.seqs.length
  }

  get size(): number {
    return this.found.seqs.length + this.#changes.size - this.gone
  }

  changed(seq: number): void {
    this.#stale.add(seq)
  }

  removed(seq: number): void {
    this.#stale.add(seq)
    this.#gone.add(seq)
  }

  /** How many labels a search for a key's vectors asks for. */
  mostFor({ user }: IndexKey): number {
    return user === this.key.user ? CANDIDATES : CANDIDATES_OF_OTHERS
  }

  /**
   * The nearest by exact products with what the store has now; null where too few of the candidates are of that key. `labels` are
   * those that the index has found.
   */
  nearest(key: IndexKey, query: Float32Array, labels: Labels, most: number): Ranked[] | null {
    this.#refresh()
    const asked = this.mostFor(key)
    const changes = this.#changes.nearest(query, asked).map(({ seq }) => seq)
    const seqs = new Set([...labels.map((label) => this.found.seqs[label]!), ...changes])
    const rows = this.#tables.some(key, [...seqs])
    if (key.user !== this.key.user && rows.length < most / 2) return null
    const top = new TopRanked(most)
    for (const { seq, vector } of rows) top.add(seq, innerProduct(query, vector))
    return top.sorted()
  }

  /** Gives its memory back. */
  clear(): void {
    this.#changes.clear()
  }

  #refresh(): void {
    for (const seq of this.#stale) {
      const row = this.#tables.changed(this.key, seq, this.found.info.version)
      if (row) this.#changes.set(seq, row.vector)
      else this.#changes.delete(seq)
    }
    this.#stale.clear()
  }
}
