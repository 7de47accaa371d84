/** Vector stores: how they are found, and when their time is over. */
import type { Deps } from '../deps.ts'
import { ApiError } from '../openai/errors.ts'
import type { StoredObject } from '../store/object-calls.ts'
import { changeObject, findObject } from './objects.ts'

const DAY_MS = 86_400_000
/** The time of the last use is written again after so long. */
const ACTIVE_MS = 60_000

/** Throws ApiError 404. */
export async function findStore(
  { store }: Pick<Deps, 'store'>,
  owner: string,
  id: string,
  param = 'vector_store_id',
): Promise<StoredObject<'vector_store'>> {
  const found = await findObject(store, owner, 'vector_store', id)
  if (found) return found
  throw new ApiError(404, 'vector_store_not_found', `No such vector store: '${id.slice(0, 100)}'.`, { param })
}

/** One that can be searched and changed. Throws ApiError 404, and 400 where its time is over. */
export async function findOpenStore(
  deps: Pick<Deps, 'store' | 'now'>,
  owner: string,
  id: string,
  param?: string,
): Promise<StoredObject<'vector_store'>> {
  const found = await findStore(deps, owner, id, param)
  if (!isExpired(found, deps.now())) return found
  const message = `The vector store '${id}' has expired: what was in it is deleted.`
  throw new ApiError(400, 'vector_store_expired', message, { param: param ?? 'vector_store_id' })
}

/** A vector store was used: its expiry begins anew. */
export async function touch(
  { store, now }: Pick<Deps, 'store' | 'now'>,
  owner: string,
  { id, body }: StoredObject<'vector_store'>,
): Promise<void> {
  const active = now()
  if (active - body.active < ACTIVE_MS) return
  await changeObject(store, owner, 'vector_store', id, '', { expires: expiryOf(active, body.days), body: { active } })
}

/** When a vector store's time is over. */
export function expiryOf(active: number, days: number | null): number | null {
  return days === null ? null : active + days * DAY_MS
}

/** Whether a vector store's time is over. */
export function isExpired({ label, expires }: StoredObject<'vector_store'>, now: number): boolean {
  return label === 'expired' || (expires !== null && expires <= now)
}

/** Throws ApiError 404, and 400 for an archived one. */
export async function requireMemoryStore({ store }: Pick<Deps, 'store'>, owner: string, id: string): Promise<void> {
  const found = await findObject(store, owner, 'memory_store', id)
  if (!found)
    throw new ApiError(404, 'not_found', `There is no memory store '${id.slice(0, 100)}'.`, { param: 'tools' })
  if (found.body.archived !== null)
    throw new ApiError(400, 'memory_store_archived', `The memory store '${id}' is archived.`, { param: 'tools' })
}
