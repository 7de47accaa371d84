/** The endpoints of conversations: OpenAI's, and what is stored of those that were not made by them. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { receiptObject } from '../forget.ts'
import { check } from '../openai/body.ts'
import { changeConversation, conversationList, createConversation } from '../openai/conversations-schema.ts'
import { itemsToAdd } from '../openai/conversation-items.ts'
import { ApiError } from '../openai/errors.ts'
import { findConversation, noConversation } from '../openai/open-conversation.ts'
import type { Conversation } from '../store/conversation-calls.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf, type RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { cascadeQuery, eraseAsked } from './erase-asked.ts'

export function conversationEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const idOf = (c: RequestContext): string => c.req.param('id') as string
  return [
    {
      ...shared,
      method: 'POST',
      path: '/v1/conversations',
      summary: 'Make a conversation, in which responses go on from each other',
      body: createConversation,
      answer: bodyAnswer(deps, createConversation, async (c, { items, metadata }) => {
        const owner = ownerOf(c)
        const added = await itemsToAdd(deps, owner, items ?? [])
        const created = Math.floor(deps.now() / 1000)
        const made = { id: newId('conv'), created, metadata: metadata ?? {}, added }
        await store.addConversation(owner, made)
        return conversationObject({ ...made, head: null, turns: 0, last: null })
      }),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/conversations',
      summary: 'List conversations, the one with the latest turn first',
      query: conversationList,
      async answer(c) {
        const query = check(conversationList, c.req.query())
        const [limit, after] = [query.limit ?? 20, query.after ?? null]
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
      answer: async (c) => c.json(conversationObject(await findConversation(deps, ownerOf(c), idOf(c)))),
    },
    {
      ...shared,
      method: 'POST',
      path: '/v1/conversations/:id',
      summary: 'Change the metadata of a conversation',
      body: changeConversation,
      answer: bodyAnswer(deps, changeConversation, async (c, { metadata }) => {
        const changed = await store.changeConversation(ownerOf(c), idOf(c), metadata ? { metadata } : {})
        if (!changed) throw noConversation(idOf(c))
        return conversationObject(changed)
      }),
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/conversations/:id',
      summary: 'Delete a conversation with all its responses, and what was taken from them',
      query: cascadeQuery,
      async answer(c) {
        const id = idOf(c)
        const receipt = await eraseAsked(deps, c, { kind: 'conversation', id })
        if (!receipt) throw noConversation(id)
        return c.json({ id, object: 'conversation.deleted', deleted: true, receipt: receiptObject(receipt) })
      },
    },
  ]
}

export function conversationObject({ id, created, metadata, turns, last, head }: Conversation) {
  return {
    id,
    object: 'conversation',
    created_at: created,
    updated_at: last?.created ?? created,
    metadata,
    model: last?.model ?? null,
    responses: turns,
    last_response_id: head,
    tokens: last?.position ?? 0,
  }
}
