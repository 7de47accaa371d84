/** The endpoints of conversations: what is stored of them, and DELETE of one with all its branches. */
import { z } from 'zod'
import type { Deps } from '../deps.ts'
import { receiptObject } from '../forget.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { done, strict } from '../openai/field.ts'
import type { Conversation } from '../store/conversation-calls.ts'
import { ownerOf } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { cascadeQuery, eraseAsked } from './erase-asked.ts'

export const conversationListFields = {
  limit: done(z.coerce.number().int().min(1).max(100), '1 to 100. Default: 20.'),
  after: done(z.string().max(128), 'Those whose last turn is earlier than that of the conversation of this id.'),
}

const listQuery = strict(conversationListFields)

export function conversationEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  return [
    {
      ...shared,
      method: 'GET',
      path: '/v1/conversations',
      summary: 'List conversations, the one with the latest turn first',
      query: listQuery,
      async answer(c) {
        const { limit: asked, after = null } = check(listQuery, c.req.query())
        const limit = asked ?? 20
        const owner = ownerOf(c)
        if (after !== null && !(await store.findConversation(owner, after))) {
          const message = `'after': there is no conversation '${after.slice(0, 100)}'.`
          throw new ApiError(400, 'invalid_value', message, { param: 'after' })
        }
        const found = await store.listConversations(owner, limit + 1, after)
        const data = found.slice(0, limit).map(conversationObject)
        const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
        return c.json({ object: 'list', data, ...ends, has_more: found.length > limit })
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/conversations/:id',
      summary: 'Describe a conversation',
      async answer(c) {
        const id = c.req.param('id') as string
        const found = await store.findConversation(ownerOf(c), id)
        if (!found) throw notFound(id)
        return c.json(conversationObject(found))
      },
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/conversations/:id',
      summary: 'Delete all responses of a conversation, which its first one names, and what was taken from them',
      query: cascadeQuery,
      async answer(c) {
        const id = c.req.param('id') as string
        const receipt = await eraseAsked(deps, c, { kind: 'conversation', id })
        if (!receipt) throw notFound(id)
        return c.json({ id, object: 'conversation.deleted', deleted: true, receipt: receiptObject(receipt) })
      },
    },
  ]
}

function notFound(id: string): ApiError {
  return new ApiError(404, 'not_found', `There is no conversation '${id.slice(0, 100)}'.`)
}

function conversationObject({ id, created, turns, last }: Conversation) {
  return {
    id,
    object: 'conversation',
    created_at: created,
    updated_at: last.created,
    metadata: {},
    model: last.model,
    responses: turns,
    last_response_id: last.response,
    tokens: last.position,
  }
}
