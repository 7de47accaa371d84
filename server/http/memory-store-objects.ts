/** Memory stores, their memories and versions as Anthropic's API shows them, and how they are found. */
import type { Deps } from '../deps.ts'
import { findObject, listObjects } from '../files/objects.ts'
import { ApiError } from '../openai/errors.ts'
import type { ObjectKind, StoredObject } from '../store/object-calls.ts'

type StoreDeps = Pick<Deps, 'store'>

/** Items of a page, and of one with contents. */
const USUAL = 20
const MOST_WITH_CONTENT = 20
/** Objects that are read at once. */
const PAGE = 1000

const timeOf = (time: number): string => new Date(time).toISOString()

/** Throws ApiError 404. */
export async function findMemoryStore(
  { store }: StoreDeps,
  owner: string,
  id: string,
): Promise<StoredObject<'memory_store'>> {
  const found = await findObject(store, owner, 'memory_store', id)
  if (!found) throw notFound('memory store', id)
  return found
}

/** One whose memories can be written. Throws ApiError 404, and 400 for an archived one. */
export async function findOpenMemoryStore(
  deps: StoreDeps,
  owner: string,
  id: string,
): Promise<StoredObject<'memory_store'>> {
  const found = await findMemoryStore(deps, owner, id)
  if (found.body.archived === null) return found
  throw new ApiError(400, 'memory_store_archived', `The memory store '${id}' is archived: it can be read, not changed.`)
}

export function notFound(what: string, id: string): ApiError {
  return new ApiError(404, 'not_found', `There is no ${what} '${id.slice(0, 100)}'.`, {
    fields: { type: 'not_found_error' },
  })
}

/** All objects of a kind, in the order in which they were made. */
export async function allObjects<K extends ObjectKind>(
  { store }: StoreDeps,
  owner: string,
  kind: K,
  parent: string,
  tag: string | null = null,
): Promise<StoredObject<K>[]> {
  const all: StoredObject<K>[] = []
  for (;;) {
    const rows = await listObjects(store, owner, kind, parent, { tag, after: all.at(-1)?.id ?? null, limit: PAGE })
    all.push(...rows)
    if (rows.length < PAGE) return all
  }
}

/** A page of items that are in order; the cursor is the key of the last item of the page before. */
export async function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  query: {
    readonly limit?: number | undefined
    readonly page?: string | undefined
    readonly view?: string | undefined
  },
  render: (item: T) => Promise<object>,
): Promise<object> {
  const { limit = USUAL, page, view } = query
  const most = view === 'full' ? Math.min(limit, MOST_WITH_CONTENT) : limit
  const cursor = page === undefined ? null : Buffer.from(page, 'base64url').toString()
  const at = cursor === null ? 0 : items.findIndex((item) => keyOf(item) === cursor) + 1
  if (cursor !== null && at === 0)
    throw new ApiError(400, 'invalid_value', "'page': this cursor is of another list.", { param: 'page' })
  const shown = items.slice(at, at + most)
  const last = shown.at(-1)
  const next = last !== undefined && at + most < items.length ? Buffer.from(keyOf(last)).toString('base64url') : null
  return { data: await Promise.all(shown.map(render)), next_page: next }
}

/** Whether a time lies between those that a query gives. */
export function isWithin(
  created: number,
  query: { readonly 'created_at[gte]'?: string | undefined; readonly 'created_at[lte]'?: string | undefined },
): boolean {
  const [from, to] = [query['created_at[gte]'], query['created_at[lte]']]
  return (from === undefined || created >= Date.parse(from)) && (to === undefined || created <= Date.parse(to))
}

export function memoryStoreObject({ id, body }: StoredObject<'memory_store'>): object {
  const { name, description, metadata, created, updated, archived } = body
  return {
    id,
    type: 'memory_store',
    name,
    description,
    metadata,
    created_at: timeOf(created),
    updated_at: timeOf(updated),
    archived_at: archived === null ? null : timeOf(archived),
  }
}

export async function storeMemoryObject(
  deps: StoreDeps,
  owner: string,
  memory: StoredObject<'store_memory'>,
  view: string,
): Promise<object> {
  const { id, parent, label, tag, bytes, body } = memory
  return {
    id,
    type: 'memory',
    memory_store_id: parent,
    memory_version_id: tag,
    path: label,
    content: view === 'full' ? await contentOf(deps, owner, memory) : null,
    content_sha256: body.sha256,
    content_size_bytes: bytes,
    created_at: timeOf(body.created),
    updated_at: timeOf(body.updated),
  }
}

/** Who made it is not kept. */
export async function versionObject(
  deps: StoreDeps,
  owner: string,
  version: StoredObject<'memory_version'>,
  view: string,
): Promise<object> {
  const { id, parent, label, tag, bytes, body } = version
  const { path, sha256, created, redacted } = body
  return {
    id,
    type: 'memory_version',
    memory_id: tag,
    memory_store_id: parent,
    operation: label,
    path,
    content: view === 'full' && sha256 !== null ? await contentOf(deps, owner, version) : null,
    content_sha256: sha256,
    content_size_bytes: sha256 === null ? null : bytes,
    created_at: timeOf(created),
    created_by: null,
    redacted_at: redacted === null ? null : timeOf(redacted),
    redacted_by: null,
  }
}

async function contentOf({ store }: StoreDeps, owner: string, object: StoredObject): Promise<string> {
  const { kind, parent, id } = object
  return Buffer.from((await store.objectContent(owner, { kind, parent, id })) ?? []).toString()
}
