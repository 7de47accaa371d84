/** Which memories are nearest to a vector: by an index where there is one, else by scanning their vectors, which are kept in memory. */
import { VectorBlock } from '../memory/vector-block.ts'
import type { Ranked } from '../memory/rank.ts'
import type { VectorPages } from '../memory/vector-pages.ts'
import { textOfKey, type IndexKey } from '../vector-index/index-files.ts'
import type { Near } from '../vector-index/index-types.ts'
import type { VectorIndexes } from '../vector-index/vector-indexes.ts'
import type { MadeVector } from './memory-calls.ts'
import type { VectorTables } from './vector-tables.ts'

/** Vectors that are kept in memory; those that were searched longest ago give way. */
const CACHE_BYTES = 256 * 1024 * 1024
/** Rows that are read at once. */
const PAGE_ROWS = 1000

interface Block {
  readonly key: IndexKey
  readonly vectors: VectorBlock
  /** Memories whose vectors may be others by now. */
  readonly stale: Set<number>
}

export class MemoryVectors {
  readonly #tables: VectorTables
  readonly #memory: VectorPages
  readonly #indexes: VectorIndexes | null
  /** In the order of their last use. */
  readonly #blocks = new Map<string, Block>()
  readonly #ofScope = new Map<number, Set<Block>>()
  #bytes = 0

  constructor(tables: VectorTables, memory: VectorPages, indexes: VectorIndexes | null) {
    this.#tables = tables
    this.#memory = memory
    this.#indexes = indexes
  }

  /** The nearest of a namespace, or of a user of it. `near`: what an index has found for it. */
  nearest(
    scope: number,
    user: string | null,
    { embedder, vector }: MadeVector,
    most: number,
    near: Near | null,
  ): Ranked[] {
    const key = this.#tables.keyOf(scope, user, embedder)
    const index = this.#indexes?.find(key)
    if (near && index === near.index) {
      const found = index.nearest(key, vector, near.labels, most)
      if (index.isOld || !index.onDisk) this.#indexes?.want(index.key, index.size)
      // Null: the namespace's index yields too few of this user's.
      if (found) {
        this.#drop(textOfKey(key))
        return found
      }
    }
    const { vectors } = this.#blockOf(key, vector.length)
    // A scan although there is an index of these vectors: it did not answer, or is another one since it was asked.
    const isIndexed = index?.key.user === key.user && !index.isOld && index.onDisk
    if (!isIndexed) this.#indexes?.want(key, vectors.size)
    return vectors.nearest(vector, most)
  }

  /** The vector of a memory may be another one, or will not have been if the transaction fails: it is read before the next search. */
  changed(scope: number, seq: number): void {
    for (const { stale } of this.#ofScope.get(scope) ?? []) stale.add(seq)
    this.#indexes?.changed(scope, seq)
  }

  /** The same for a memory that is deleted. */
  removed(scope: number, seq: number): void {
    this.changed(scope, seq)
    this.#indexes?.removed(scope, seq)
  }

  #blockOf(key: IndexKey, width: number): Block {
    const text = textOfKey(key)
    let block = this.#blocks.get(text)
    const before = block?.vectors.bytes ?? 0
    if (block) this.#refresh(block)
    else block = this.#load(key, width)
    this.#bytes += block.vectors.bytes - before
    this.#blocks.delete(text)
    this.#blocks.set(text, block)
    for (const other of this.#blocks.keys()) {
      if (this.#bytes <= CACHE_BYTES || other === text) break
      this.#drop(other)
    }
    return block
  }

  #load(key: IndexKey, width: number): Block {
    const block = { key, vectors: new VectorBlock(width, this.#memory), stale: new Set<number>() }
    for (let last = 0; ;) {
      const rows = this.#tables.changedSince(key, last, PAGE_ROWS)
      for (const { seq, vector } of rows) block.vectors.set(seq, vector)
      if (rows.length < PAGE_ROWS) break
      last = rows.at(-1)!.version
    }
    const others = this.#ofScope.get(key.scope) ?? new Set<Block>()
    this.#ofScope.set(key.scope, others.add(block))
    return block
  }

  #refresh({ key, vectors, stale }: Block): void {
    for (const seq of stale) {
      const row = this.#tables.changed(key, seq, 0)
      if (row) vectors.set(seq, row.vector)
      else vectors.delete(seq)
    }
    stale.clear()
  }

  #drop(text: string): void {
    const block = this.#blocks.get(text)
    if (!block) return
    this.#bytes -= block.vectors.bytes
    block.vectors.clear()
    this.#blocks.delete(text)
    const others = this.#ofScope.get(block.key.scope)
    others?.delete(block)
    if (others?.size === 0) this.#ofScope.delete(block.key.scope)
  }
}
