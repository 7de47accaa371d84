/** Turns that name their conversation: where they go on, and what was added to it since. One turn at a time. */
import type { Deps } from '../deps.ts'
import type { Conversation } from '../store/conversation-calls.ts'
import { ApiError } from './errors.ts'
import type { InputItem, ResponseRequest } from './responses-schema.ts'

/** A conversation in which a turn is being made. */
export interface OpenConversation {
  readonly id: string
  /** Ids of the added items that the turn reads. */
  readonly read: readonly string[]
  /** The request with what it leaves to the conversation: the response before it, and the added items. */
  readonly request: ResponseRequest
  /** The turn is stored or given up. */
  close(): void
}

/** Null for a request that names no conversation. Throws ApiError. */
export async function openConversation(
  { store, conversations }: Pick<Deps, 'store' | 'conversations'>,
  request: ResponseRequest,
  owner: string,
): Promise<OpenConversation | null> {
  if (request.conversation == null) return null
  const id = typeof request.conversation === 'string' ? request.conversation : request.conversation.id
  requireAlone(request)
  const close = conversations.enter(owner, id)
  try {
    const end = await store.conversationEnd(owner, id)
    if (!end) throw noConversation(id, 'conversation')
    const input = [...(end.added as unknown as InputItem[]), ...itemsOf(request.input)]
    const read = end.added.map((item) => item['id'] as string)
    return { id, read, close, request: { ...request, previous_response_id: end.head, input } }
  } catch (error) {
    close()
    throw error
  }
}

/** `param`: the parameter that named it, where one did. */
export function noConversation(id: string, param: string | null = null): ApiError {
  const message = `There is no conversation '${id.slice(0, 100)}'.`
  return new ApiError(404, 'not_found', message, param === null ? {} : { param })
}

/** What a request to its endpoints answers with. Throws ApiError 404. */
export async function findConversation(
  { store }: Pick<Deps, 'store'>,
  owner: string,
  id: string,
): Promise<Conversation> {
  const found = await store.findConversation(owner, id)
  if (!found) throw noConversation(id)
  return found
}

function requireAlone({ previous_response_id: previous, store }: ResponseRequest): void {
  if (previous != null) {
    const message =
      "'previous_response_id': a request that names its conversation goes on from the last response in it."
    throw new ApiError(400, 'mutually_exclusive_parameters', message, { param: 'previous_response_id' })
  }
  if (store === false) {
    const message = "'store': a turn in a conversation is stored; leave 'conversation' out for one that is not."
    throw new ApiError(400, 'invalid_value', message, { param: 'store' })
  }
}

function itemsOf(input: ResponseRequest['input']): readonly InputItem[] {
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: input }]
  return input ?? []
}
