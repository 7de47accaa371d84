/** The endpoints of the items of a conversation: OpenAI's. */
import type { Deps } from '../deps.ts'
import { check } from '../openai/body.ts'
import { addItems, itemQuery, conversationItems } from '../openai/conversations-schema.ts'
import { findItem, itemList, itemPage, itemsToAdd } from '../openai/conversation-items.ts'
import { ApiError } from '../openai/errors.ts'
import { findConversation, noConversation } from '../openai/open-conversation.ts'
import { bodyAnswer } from './body-answer.ts'
import { ownerOf, type RequestContext } from './context.ts'
import { conversationObject } from './conversations.ts'
import type { Endpoint } from './endpoint.ts'

/** Items that wait for the next turn at most. */
const MAX_ADDED = 1000

export function conversationItemEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  const { store } = deps
  const conversationOf = (c: RequestContext) => findConversation(deps, ownerOf(c), c.req.param('id') as string)
  const itemOf = (c: RequestContext): string => c.req.param('item') as string
  return [
    {
      ...shared,
      method: 'POST',
      path: '/v1/conversations/:id/items',
      summary: 'Add items to a conversation, which its next turn reads',
      body: addItems,
      answer: bodyAnswer(deps, addItems, async (c, { items }) => {
        const { id, added: waiting } = await conversationOf(c)
        if (waiting.length + items.length > MAX_ADDED) {
          const message = `'items': ${waiting.length} items wait for the next turn, ${MAX_ADDED} is the most. Make a response.`
          throw new ApiError(400, 'too_many_items', message, { param: 'items' })
        }
        const added = await itemsToAdd(deps, ownerOf(c), items)
        if (!(await store.changeConversation(ownerOf(c), id, { added }))) throw noConversation(id)
        return itemList(added)
      }),
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/conversations/:id/items',
      summary: 'List the items of a conversation',
      query: conversationItems,
      async answer(c) {
        const query = check(conversationItems, c.req.query())
        return c.json(await itemPage(deps, await conversationOf(c), query))
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/conversations/:id/items/:item',
      summary: 'Read an item of a conversation',
      query: itemQuery,
      async answer(c) {
        check(itemQuery, c.req.query())
        const found = await findItem(deps, await conversationOf(c), itemOf(c))
        if (!found) throw noItem(itemOf(c))
        return c.json(found.item)
      },
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/conversations/:id/items/:item',
      summary: 'Take an item out of a conversation before a turn has read it',
      async answer(c) {
        const conversation = await conversationOf(c)
        if ((await store.removeAdded(ownerOf(c), conversation.id, itemOf(c))) > 0)
          return c.json(conversationObject(await conversationOf(c)))
        const found = await findItem(deps, conversation, itemOf(c))
        if (!found) throw noItem(itemOf(c))
        throw wasRead(itemOf(c), found.response as string)
      },
    },
  ]
}

function noItem(id: string): ApiError {
  return new ApiError(404, 'item_not_found', `There is no item '${id.slice(0, 100)}' in this conversation.`)
}

/** An item alone cannot be taken out of a memory that has read it. */
function wasRead(id: string, response: string): ApiError {
  const message =
    `The memory of this conversation has read '${id.slice(0, 100)}'. DELETE /v1/responses/${response} forgets its whole turn; ` +
    'previous_response_id goes on from a turn before it.'
  return new ApiError(400, 'item_was_read', message)
}
