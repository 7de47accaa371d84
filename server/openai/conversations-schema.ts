/** What the endpoints of conversations take: OpenAI's shapes. */
import { z } from 'zod'
import { done, list, needed, noEffect, strict } from './field.ts'
import { metadata } from './fields.ts'
import { inputItem } from './responses-schema.ts'

/** Of one request. */
const MAX_ITEMS = 20

const items = list(inputItem).refine((all) => all.length <= MAX_ITEMS, `expected at most ${MAX_ITEMS} items`)
const listed = {
  limit: done(z.coerce.number().int().min(1).max(100), '1 to 100. Default: 20.'),
  include: noEffect('Everything that is kept is there.'),
  'include[]': noEffect('Everything that is kept is there.'),
}

export const createConversationFields = {
  items: done(
    items,
    `Up to ${MAX_ITEMS} items as in the input of a response; the first turn reads them before its own.`,
  ),
  metadata: done(metadata, 'Up to 16 pairs.'),
}
export const changeConversationFields = {
  metadata: done(metadata, 'Up to 16 pairs, in the place of those that are there.'),
}
export const conversationListFields = {
  limit: listed.limit,
  after: done(z.string().max(128), 'Those whose last turn is earlier than that of the conversation of this id.'),
}
export const addItemsFields = {
  items: needed(
    items,
    `1 to ${MAX_ITEMS} items as in the input of a response; the next turn reads them before its own.`,
  ),
}
export const conversationItemsFields = {
  ...listed,
  order: done(z.enum(['asc', 'desc']), '`asc` or `desc`. Default: `desc`.'),
  after: done(z.string().max(128), 'Items after the one of this id.'),
}

export const createConversation = strict(createConversationFields)
export const changeConversation = strict(changeConversationFields)
export const conversationList = strict(conversationListFields)
export const addItems = strict(addItemsFields)
export const itemQuery = strict({ include: listed.include, 'include[]': listed['include[]'] })
export const conversationItems = strict(conversationItemsFields)
