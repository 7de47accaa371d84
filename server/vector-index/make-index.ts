/** Makes an index of what the store has, while the store goes on. */
import type { VectorTables } from '../store/vector-tables.ts'
import type { IndexInfo, IndexKey } from './index-files.ts'
import type { IndexProcess } from './index-process.ts'
import type { Checked, Written } from './messages.ts'

/** Vectors that are sent at once: the store's thread reads them within some milliseconds. */
const PAGE_ROWS = 256
/** Vectors that the index is checked with. */
const QUERIES = 64

export interface MadeIndex {
  readonly info: IndexInfo
  readonly seqs: Float64Array
  readonly checked: Checked
}

/**
 * Sends the vectors of a key to `process`, which has a file, and has them indexed and checked. Null: the index finds too little,
 * and nothing was written. What changes meanwhile has a version above that of the index. Rejects where the process ends.
 */
export async function makeIndex(
  process: IndexProcess,
  tables: VectorTables,
  key: IndexKey,
  version: number,
  leastRecall: number,
): Promise<MadeIndex | { readonly recall: number }> {
  const queries = queriesOf(tables, key, version)
  const width = queries[0]?.length
  if (width === undefined) throw new Error('expected vectors to index, got none')
  await process.ask({ kind: 'begin', width, queries })
  const seqs: number[] = []
  for (let last = 0; ;) {
    const rows = tables.changedSince(key, last, PAGE_ROWS)
    if (rows.length === 0) break
    const vectors = new Float32Array(rows.length * width)
    for (const [row, { seq, vector }] of rows.entries()) {
      vectors.set(vector, row * width)
      seqs.push(seq)
    }
    await process.ask({ kind: 'rows', vectors })
    last = rows.at(-1)!.version
    // What is written from now on is not in the index by its version, though it may be by its vector.
    if (last > version) break
  }
  const checked = (await process.ask({ kind: 'check' })) as Checked
  const recall = Math.min(checked.recall, checked.elsewhere)
  if (recall < leastRecall) return { recall }
  const { sha256, bytes } = (await process.ask({ kind: 'write' })) as Written
  const { scope, user, embedder } = key
  const info = { scope, user, embedder, version, width, recall, sha256, bytes }
  return { info, seqs: Float64Array.from(seqs), checked }
}

/** Vectors from all over. */
function queriesOf(tables: VectorTables, key: IndexKey, version: number): Float32Array[] {
  const found = new Map<number, Float32Array>()
  for (let i = 0; i < QUERIES; i++) {
    const [row] = tables.changedSince(key, Math.floor(Math.random() * version), 1)
    if (row) found.set(row.seq, row.vector)
  }
  return [...found.values()]
}
