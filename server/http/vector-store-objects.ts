/** Vector stores and their files as the API shows them, and how they are found. */
import type { Deps } from '../deps.ts'
import type { Chunking } from '../files/chunks.ts'
import { findObject } from '../files/objects.ts'
import { isExpired } from '../files/vector-stores.ts'
import { ApiError } from '../openai/errors.ts'
import type { ChunkingParam } from '../openai/vector-stores-schema.ts'
import { IN_PROGRESS, type ObjectCount, type StoredObject } from '../store/object-calls.ts'
import { secondsOf } from './files.ts'

/** Throws ApiError 404. */
export async function findStoreFile(
  { store }: Pick<Deps, 'store'>,
  owner: string,
  parent: string,
  id: string,
): Promise<StoredObject<'vector_store_file'>> {
  const found = await findObject(store, owner, 'vector_store_file', id, parent)
  if (found) return found
  const message = `No file '${id.slice(0, 100)}' in the vector store '${parent.slice(0, 100)}'.`
  throw new ApiError(404, 'file_not_found', message, { param: 'file_id' })
}

export async function storeObject(
  { store, now }: Pick<Deps, 'store' | 'now'>,
  owner: string,
  found: StoredObject<'vector_store'>,
): Promise<object> {
  const { id, expires, body } = found
  const expired = isExpired(found, now())
  const counts = expired ? [] : await store.countObjects(owner, 'vector_store_file', id, null)
  const fileCounts = countsOf(counts)
  return {
    id,
    object: 'vector_store',
    created_at: secondsOf(body.created),
    name: body.name,
    description: body.description,
    usage_bytes: counts.reduce((sum, { bytes }) => sum + bytes, 0),
    file_counts: fileCounts,
    status: expired ? 'expired' : fileCounts.in_progress > 0 ? 'in_progress' : 'completed',
    expires_after: body.days === null ? null : { anchor: 'last_active_at', days: body.days },
    expires_at: expires === null ? null : secondsOf(expires),
    last_active_at: secondsOf(body.active),
    metadata: body.metadata,
  }
}

/** Counts of files by status. */
export function countsOf(counts: readonly ObjectCount[]): Record<'in_progress' | keyof typeof ENDS | 'total', number> {
  const of = (label: string): number => counts.find((one) => one.label === label)?.count ?? 0
  const each = { completed: of('completed'), failed: of('failed'), cancelled: of('cancelled') }
  const waiting = of(IN_PROGRESS)
  return { in_progress: waiting, ...each, total: waiting + each.completed + each.failed + each.cancelled }
}

const ENDS = { completed: true, failed: true, cancelled: true }

export function storeFileObject({ id, parent, label, bytes, body }: StoredObject<'vector_store_file'>): object {
  const { attributes, chunking, created, error } = body
  return {
    id,
    object: 'vector_store.file',
    created_at: secondsOf(created),
    vector_store_id: parent,
    usage_bytes: bytes,
    status: label,
    last_error: error === null ? null : { code: 'server_error', message: error },
    chunking_strategy: {
      type: 'static',
      static: { max_chunk_size_tokens: chunking.size, chunk_overlap_tokens: chunking.overlap },
    },
    attributes,
  }
}

/** Null: as usual. */
export function chunkingOf(given: ChunkingParam | null | undefined): Chunking | null {
  if (given?.type !== 'static') return null
  return { size: given.static.max_chunk_size_tokens, overlap: given.static.chunk_overlap_tokens }
}
