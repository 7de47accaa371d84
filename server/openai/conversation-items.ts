/** The items of a conversation: what its turns were given and answered, and what was added since. */
import type { Deps } from '../deps.ts'
import type { Conversation, ConversationItem } from '../store/conversation-calls.ts'
import { ApiError } from './errors.ts'
import type { ResponseDocument } from './keep-turn.ts'
import { itemsOf, readInput } from './response-input.ts'
import type { ResponseRequest } from './responses-schema.ts'

/** Turns that are read from the store at once. */
const TURNS = 16

/** An item, and the response whose turn has read or made it; null where none has. */
export interface PlacedItem {
  readonly item: ConversationItem
  readonly response: string | null
}

export interface ItemQuery {
  readonly limit?: number | null | undefined
  readonly order?: 'asc' | 'desc' | null | undefined
  readonly after?: string | null | undefined
}

/** Items as they are kept and listed. Throws ApiError for a reference to what the owner has not stored. */
export async function itemsToAdd(
  deps: Deps,
  owner: string,
  items: NonNullable<ResponseRequest['input']>,
): Promise<ConversationItem[]> {
  return itemsOf(await readInput(deps, { input: items }, owner))
}

/** The branch that the next turn goes on from, from its end. */
export async function* itemsFromEnd(
  { store }: Pick<Deps, 'store'>,
  { head, added }: Pick<Conversation, 'head' | 'added'>,
): AsyncGenerator<PlacedItem> {
  for (const item of added.toReversed()) yield { item, response: null }
  for (let at = head; at !== null;) {
    const turns = await store.history(at, TURNS)
    for (const { id, document } of turns.toReversed()) {
      const { input, response } = JSON.parse(document) as ResponseDocument
      const items = [...input, ...(response['output'] as ConversationItem[])]
      for (const item of items.toReversed()) yield { item, response: id }
    }
    at = turns[0]?.parent ?? null
  }
}

/** The item of that id; null where the conversation has none. */
export async function findItem(
  deps: Pick<Deps, 'store'>,
  conversation: Conversation,
  id: string,
): Promise<PlacedItem | null> {
  for await (const placed of itemsFromEnd(deps, conversation)) if (placed.item['id'] === id) return placed
  return null
}

/** One page. Throws ApiError 400 for a cursor that is not there. */
export async function itemPage(
  deps: Pick<Deps, 'store'>,
  conversation: Conversation,
  { limit, order, after }: ItemQuery,
): Promise<object> {
  const most = limit ?? 20
  const found = order === 'asc' ? await allItems(deps, conversation) : itemsFromEnd(deps, conversation)
  const items: ConversationItem[] = []
  let isAfter = after == null
  for await (const { item } of found) {
    if (isAfter) items.push(item)
    if (items.length > most) break
    isAfter ||= item['id'] === after
  }
  if (!isAfter) {
    const message = `'after': no item '${after?.slice(0, 100)}' in this conversation.`
    throw new ApiError(400, 'invalid_value', message, { param: 'after' })
  }
  const data = items.slice(0, most)
  return { ...itemList(data), has_more: items.length > most }
}

export function itemList(data: readonly ConversationItem[]) {
  const ends = { first_id: data[0]?.['id'] ?? null, last_id: data.at(-1)?.['id'] ?? null }
  return { object: 'list', data, ...ends, has_more: false }
}

async function allItems(deps: Pick<Deps, 'store'>, conversation: Conversation): Promise<PlacedItem[]> {
  const items: PlacedItem[] = []
  for await (const placed of itemsFromEnd(deps, conversation)) items.push(placed)
  return items.toReversed()
}
