/** How vectors of memories are found: the parts, and what an index has to say to a search before the store runs it. */
import type Database from 'libsql'
import { VectorPages } from '../memory/vector-pages.ts'
import { findFaiss } from '../vector-index/faiss.ts'
import type { Near, VectorIndexOptions } from '../vector-index/index-types.ts'
import { VectorIndexes } from '../vector-index/vector-indexes.ts'
import type { StoreNote, VectorIndexStatistics } from '../vector-index/index-types.ts'
import type { MemoryQuery } from './memory-calls.ts'
import { MemoryVectors } from './memory-vectors.ts'
import { createVectorTables, type VectorTables } from './vector-tables.ts'

export interface VectorSearch {
  readonly tables: VectorTables
  readonly vectors: MemoryVectors
  /** What an index finds for a query; null at once where none has to be asked. */
  ask(owner: string, query: MemoryQuery): Promise<Near | null> | null
  statistics(): VectorIndexStatistics
  close(): void
}

/** `note` is told what happens to indexes. */
export function createVectorSearch(
  database: Database.Database,
  folder: string,
  options: VectorIndexOptions,
  note: (note: StoreNote) => void,
): VectorSearch {
  const tables = createVectorTables(database)
  const memory = new VectorPages()
  const reason = whyNone(options)
  const indexes = reason === null ? new VectorIndexes(tables, memory, folder, options, note) : null
  indexes?.open()
  const scopeOf = database.prepare('SELECT scope FROM memory_scope WHERE owner = ? AND namespace = ?')
  return {
    tables,
    vectors: new MemoryVectors(tables, memory, indexes),
    ask(owner, { namespace, user, made }) {
      const found = indexes && made && (scopeOf.get(owner, namespace) as { scope: number } | undefined)
      return found ? indexes.search(tables.keyOf(found.scope, user, made.embedder), made.vector) : null
    },
    statistics: () => indexes?.statistics() ?? noIndexes(options.threshold, reason),
    close: () => indexes?.close(),
  }
}

/** Null where there can be indexes. */
function whyNone({ threshold }: VectorIndexOptions): string | null {
  if (threshold === 0) return 'switched off'
  return findFaiss() ? null : 'faiss-node is not built: npm run setup:faiss'
}

function noIndexes(threshold: number, reason: string | null): VectorIndexStatistics {
  const none = { indexes: 0, vectors: 0, building: false, failures: 0, fallbacks: 0, pid: null }
  return { kind: 'exact', reason, threshold, ...none }
}
