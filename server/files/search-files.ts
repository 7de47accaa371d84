/** Finds pieces of files in vector stores, by the search that memories have. */
import type { Deps } from '../deps.ts'
import { recall } from '../memory/memories.ts'
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
  /** 0 to 1: 1 for a piece that is the best by words and by meaning, or by the one of them that found something. */
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
    const files = await sourcesOf(deps, owner, store)
    const chosen = filter && [...files].filter(([, { attributes }]) => fits(filter, attributes)).map(([id]) => id)
    if (files.size === 0 || chosen?.length === 0) continue
    for (const text of texts) {
      const where = { namespace: store, user: null, ...(chosen && { users: chosen }), metadata: {}, ended: false }
      const { hits } = await recall(deps, ownerOfChunks(owner), { ...where, text, limit }, signal)
      for (const hit of hits) {
        const score = Math.min(1, hit.score)
        const chunk = await chunkOf(deps, owner, files, hit, score)
        if (chunk && score >= least && score > (found.get(chunk.id)?.score ?? -1)) found.set(chunk.id, chunk)
      }
    }
  }
  return [...found.values()].toSorted((a, b) => b.score - a.score).slice(0, limit)
}

/** What pieces are of: a file, whose name is looked up where a piece of it is found, or a memory at a path. */
interface PieceSource {
  readonly id: string
  readonly name: string | null
  readonly attributes: Attributes
}

/** The files of a vector store, or the memories of a memory store, by id. */
async function sourcesOf({ store }: Deps, owner: string, parent: string): Promise<Map<string, PieceSource>> {
  const kind = isMemoryStore(parent) ? 'store_memory' : 'vector_store_file'
  const sources = new Map<string, PieceSource>()
  for (let after: string | null = null; ;) {
    const page: { after: string | null; limit: number } = { after, limit: PAGE }
    const rows: StoredObject<'store_memory' | 'vector_store_file'>[] = await listObjects(
      store,
      owner,
      kind,
      parent,
      page,
    )
    for (const { id, label, body } of rows)
      sources.set(
        id,
        'attributes' in body ? { id, name: null, attributes: body.attributes } : { id, name: label, attributes: {} },
      )
    if (rows.length < PAGE) return sources
    after = rows.at(-1)!.id
  }
}

/** Whether an id is that of a memory store: they are searched as vector stores are. */
export function isMemoryStore(id: string): boolean {
  return id.startsWith('memstore_')
}

async function chunkOf(
  { store }: Deps,
  owner: string,
  sources: ReadonlyMap<string, PieceSource>,
  { memory, similarity }: MemoryHit,
  score: number,
): Promise<FoundChunk | null> {
  const source = sources.get(memory.user ?? '')
  if (!source) return null
  const name = source.name ?? (await findObject(store, owner, 'file', source.id))?.body.name
  if (name === undefined) return null
  return { id: memory.id, file: source.id, name, attributes: source.attributes, text: memory.text, score, similarity }
}
