/** Pages of lists of objects, with cursors as OpenAI's API has them. */
import type { Deps } from '../deps.ts'
import { findObject, listObjects } from '../files/objects.ts'
import { ApiError } from '../openai/errors.ts'
import type { ObjectKind, StoredObject } from '../store/object-calls.ts'

export interface PageQuery {
  readonly limit?: number | undefined
  readonly order?: 'asc' | 'desc' | undefined
  readonly after?: string | undefined
  readonly before?: string | undefined
}

/** What is listed: objects of a kind that belong to `parent`, with this label and tag; null: with any. */
export interface Listed<K extends ObjectKind> {
  readonly kind: K
  readonly parent: string
  readonly label?: string | null
  readonly tag?: string | null
  /** How many, unless the query says so. */
  readonly usual: number
}

/** A page of objects, each as `render` makes it. Throws ApiError 400 for a cursor that is not there. */
export async function objectPage<K extends ObjectKind>(
  { store }: Pick<Deps, 'store'>,
  owner: string,
  { kind, parent, label = null, tag = null, usual }: Listed<K>,
  { limit = usual, order = 'desc', after, before }: PageQuery,
  render: (object: StoredObject<K>) => object | Promise<object>,
): Promise<object> {
  for (const [param, id] of Object.entries({ after, before })) {
    if (id === undefined || (await findObject(store, owner, kind, id, parent))) continue
    throw new ApiError(400, 'invalid_value', `'${param}': there is no '${id.slice(0, 100)}' in this list.`, { param })
  }
  // The page before a cursor is the one that follows it in the other order.
  const isBack = before !== undefined && after === undefined
  const asked = isBack
    ? { after: before, before: null, order: order === 'asc' ? ('desc' as const) : ('asc' as const) }
    : { after: after ?? null, before: before ?? null, order }
  const found = await listObjects(store, owner, kind, parent, { label, tag, limit: limit + 1, ...asked })
  const rows = found.slice(0, limit)
  const shown = isBack ? rows.toReversed() : rows
  const data = await Promise.all(shown.map(async (object) => render(object)))
  const ends = { first_id: shown[0]?.id ?? null, last_id: shown.at(-1)?.id ?? null }
  return { object: 'list', data, ...ends, has_more: found.length > limit }
}
