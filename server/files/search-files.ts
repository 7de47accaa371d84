/** Finds pieces of files in vector stores, by the search that memories have. */
import type { Deps } from '../deps.ts'
import { recall } from '../memory/memories.ts'
import { mostOf } from '../memory/rank.ts'
import { ownerOfChunks, type StoredObject } from '../store/object-calls.ts'
import type { MemoryHit } from '../store/memory-calls.ts'
import { fits, type Attributes, type Filter } from './filters.ts'
import { findObject, listObjects } from './objects.ts'

export interface FileQuery {
  readonly stores: readonly string[]
  readonly texts: readonly string[]
  readonly filter: Filter | null
  readonly limit: number
  /** Pieces of a lower score are left out. */
  readonly least: number
}

/** A piece that was found. */
export interface FoundChunk {
  readonly id: string
  readonly file: string
  readonly name: string
  readonly attributes: Attributes
  readonly text: string
  /** 0 to 1: 1 for a piece that is the first by words, and by meaning where that is compared. */
  readonly score: number
  /** Inner product of the vectors; null where meanings were not compared. */
  readonly similarity: number | null
}

/** Pieces that a search gives unless it says how many. */
export const DEFAULT_RESULTS = 10

/** Files of one vector store that are listed at once. */
const PAGE = 1000

/** The best pieces of all stores and texts, best first. A piece that several texts find has its best score. */
export async function searchFiles(
  deps: Deps,
  owner: string,
  { stores, texts, filter, limit, least }: FileQuery,
  signal: AbortSignal,
): Promise<FoundChunk[]> {
  const found = new Map<string, FoundChunk>()
  for (const store of stores) {
    const files = await filesOf(deps, owner, store)
    const chosen = filter && [...files].filter(([, { body }]) => fits(filter, body.attributes)).map(([id]) => id)
    if (files.size === 0 || chosen?.length === 0) continue
    for (const text of texts) {
      const where = { namespace: store, user: null, ...(chosen && { users: chosen }), metadata: {}, ended: false }
      const { hits, embedder } = await recall(deps, ownerOfChunks(owner), { ...where, text, limit }, signal)
      for (const hit of hits) {
        const score = Math.min(1, hit.score / mostOf(embedder === null ? 1 : 2))
        const chunk = await chunkOf(deps, owner, files, hit, score)
        if (chunk && score >= least && score > (found.get(chunk.id)?.score ?? -1)) found.set(chunk.id, chunk)
      }
    }
  }
  return [...found.values()].toSorted((a, b) => b.score - a.score).slice(0, limit)
}

/** The files of a vector store, by id. */
async function filesOf(
  { store }: Deps,
  owner: string,
  parent: string,
): Promise<Map<string, StoredObject<'vector_store_file'>>> {
  const files = new Map<string, StoredObject<'vector_store_file'>>()
  for (let after: string | null = null; ;) {
    const rows: StoredObject<'vector_store_file'>[] = await listObjects(store, owner, 'vector_store_file', parent, {
      after,
      limit: PAGE,
    })
    for (const row of rows) files.set(row.id, row)
    if (rows.length < PAGE) return files
    after = rows.at(-1)!.id
  }
}

async function chunkOf(
  { store }: Deps,
  owner: string,
  files: ReadonlyMap<string, StoredObject<'vector_store_file'>>,
  { memory, similarity }: MemoryHit,
  score: number,
): Promise<FoundChunk | null> {
  const attached = files.get(memory.user ?? '')
  const file = attached && (await findObject(store, owner, 'file', attached.id))
  if (!file) return null
  const { id, text } = memory
  return { id, file: file.id, name: file.body.name, attributes: attached.body.attributes, text, score, similarity }
}
