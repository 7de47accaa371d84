/** The endpoints of a stored response: GET, DELETE, and its input items. */
import { z } from 'zod'
import { findResponse, notFound } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { forgetPrompts, receiptObject } from '../forget.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { noEffect, refused, strict } from '../openai/field.ts'
import type { ResponseDocument } from '../openai/keep-turn.ts'
import { ownerOf } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { cascadeQuery, eraseAsked } from './erase-asked.ts'

export const retrieveFields = {
  stream: refused('A stored response is complete.', 'false'),
  include: noEffect('Everything that is kept is there.'),
  'include[]': noEffect('Everything that is kept is there.'),
  starting_after: refused('A stored response is complete.'),
  include_obfuscation: refused('', 'false'),
}

export const listFields = {
  limit: {
    effect: 'done',
    schema: z.coerce.number().int().min(1).max(100).optional(),
    about: '1 to 100. Default: 20.',
  },
  order: { effect: 'done', schema: z.enum(['asc', 'desc']).optional(), about: '`asc` or `desc`. Default: `desc`.' },
  after: { effect: 'done', schema: z.string().max(128).optional(), about: 'Items after the one of this id.' },
  include: noEffect('Everything that is kept is there.'),
  'include[]': noEffect('Everything that is kept is there.'),
} as const

const retrieveQuery = strict(retrieveFields)
const listQuery = strict(listFields)

export function storedEndpoints(deps: Deps): Endpoint[] {
  const shared = { access: 'api', whileStopping: false } as const
  return [
    {
      ...shared,
      method: 'POST',
      path: '/reset_prefix_cache',
      summary: 'Drop what is kept of prompts, in memory and on disk',
      async answer(c) {
        await forgetPrompts(deps, ownerOf(c))
        return c.json({})
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/responses/:id',
      summary: 'Read a stored response',
      query: retrieveQuery,
      async answer(c) {
        check(retrieveQuery, c.req.query())
        const { record } = await findResponse(deps, ownerOf(c), c.req.param('id') as string)
        return c.json(documentOf(record.document).response)
      },
    },
    {
      ...shared,
      method: 'DELETE',
      path: '/v1/responses/:id',
      summary: 'Delete a stored response: text, tokens and memory',
      query: cascadeQuery,
      async answer(c) {
        const id = c.req.param('id') as string
        const receipt = await eraseAsked(deps, c, { kind: 'response', id })
        if (!receipt) throw notFound(id)
        return c.json({ id, object: 'response', deleted: true, receipt: receiptObject(receipt) })
      },
    },
    {
      ...shared,
      method: 'GET',
      path: '/v1/responses/:id/input_items',
      summary: 'List the input of a stored response',
      query: listQuery,
      async answer(c) {
        const query = check(listQuery, c.req.query())
        const { record } = await findResponse(deps, ownerOf(c), c.req.param('id') as string)
        return c.json(page(documentOf(record.document).input, query))
      },
    },
  ]
}

/** One page of `input`, which is in the order in which it was read. */
function page(input: ResponseDocument['input'], { limit = 20, order = 'desc', after }: z.output<typeof listQuery>) {
  const items = order === 'asc' ? input : input.toReversed()
  const at = after === undefined ? -1 : items.findIndex((item) => item['id'] === after)
  if (after !== undefined && at < 0) {
    throw new ApiError(400, 'invalid_value', `'after': no item '${after}' in this response.`, { param: 'after' })
  }
  const data = items.slice(at + 1, at + 1 + limit)
  return {
    object: 'list',
    data,
    first_id: data[0]?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: at + 1 + limit < items.length,
  }
}

function documentOf(text: string): ResponseDocument {
  return JSON.parse(text) as ResponseDocument
}
