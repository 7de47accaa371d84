/** The routes of what is stored: GET and DELETE of a response, and its input items. */
import { z } from 'zod'
import { deleteResponse, findResponse } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { unsupported } from '../openai/fields.ts'
import type { ResponseDocument } from '../openai/respond.ts'
import type { App } from './context.ts'

const retrieveQuery = z.strictObject({
  stream: unsupported('false'),
  include: unsupported(),
  'include[]': unsupported(),
  starting_after: unsupported(),
  include_obfuscation: unsupported('false'),
})

const listQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).optional(),
  order: z.enum(['asc', 'desc']).optional(),
  after: z.string().max(128).optional(),
  include: unsupported(),
  'include[]': unsupported(),
})

export function storedRoutes(app: App, deps: Deps): void {
  app.get('/v1/responses/:id', async (c) => {
    check(retrieveQuery, c.req.query())
    const { record } = await findResponse(deps, c.get('owner'), c.req.param('id'))
    return c.json(documentOf(record.document).response)
  })
  app.delete('/v1/responses/:id', async (c) => {
    const id = c.req.param('id')
    await deleteResponse(deps, c.get('owner'), id, c.req.raw.signal)
    return c.json({ id, object: 'response', deleted: true })
  })
  app.get('/v1/responses/:id/input_items', async (c) => {
    const { limit = 20, order = 'desc', after } = check(listQuery, c.req.query())
    const { record } = await findResponse(deps, c.get('owner'), c.req.param('id'))
    const { input } = documentOf(record.document)
    const items = order === 'asc' ? input : input.toReversed()
    const at = after === undefined ? -1 : items.findIndex((item) => item['id'] === after)
    if (after !== undefined && at < 0) {
      throw new ApiError(400, 'invalid_value', `'after': no item '${after}' in this response.`, { param: 'after' })
    }
    const data = items.slice(at + 1, at + 1 + limit)
    const [first, last] = [data[0], data.at(-1)]
    const more = at + 1 + limit < items.length
    return c.json({
      object: 'list',
      data,
      first_id: first?.['id'] ?? null,
      last_id: last?.['id'] ?? null,
      has_more: more,
    })
  })
}

function documentOf(text: string): ResponseDocument {
  return JSON.parse(text) as ResponseDocument
}
