/** The API's description, made from the schemas that check the requests. */
import { z } from 'zod'
import { chatRequest } from './chat-schema.ts'
import { completionRequest } from './completions-schema.ts'
import { responseRequest } from './responses-schema.ts'

type Json = Record<string, unknown>

/** An OpenAPI 3.1 document. */
export function openApi(version: string): Json {
  const id = [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }]
  return {
    openapi: '3.1.0',
    info: { title: 'mneme', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } }, schemas: { Error: ERROR } },
    security: [{ key: [] }, {}],
    paths: {
      '/v1/models': { get: operation('List the models') },
      '/v1/models/{id}': { get: { ...operation('Describe a model'), parameters: id } },
      '/v1/completions': { post: operation('Continue text', completionRequest) },
      '/v1/chat/completions': { post: operation('Reply to messages', chatRequest) },
      '/v1/responses': {
        post: operation('Reply and remember', responseRequest),
        get: {
          summary: 'WebSocket upgrade: one response.create after the other',
          responses: { '101': { description: 'upgraded' } },
        },
      },
      '/v1/responses/{id}': {
        get: { ...operation('Read a stored response'), parameters: id },
        delete: { ...operation('Delete a stored response: text, tokens and memory'), parameters: id },
      },
      '/v1/responses/{id}/input_items': {
        get: { ...operation('List the input of a stored response'), parameters: id },
      },
      '/livez': { get: operation('Whether the process runs') },
      '/readyz': { get: operation('Whether requests are taken') },
      '/health': { get: operation('The same as /readyz') },
      '/metrics': { get: operation('Metrics for Prometheus') },
      '/version': { get: operation('What runs here') },
    },
  }
}

const ERROR = {
  type: 'object',
  properties: {
    error: {
      type: 'object',
      required: ['message', 'type', 'param', 'code'],
      properties: {
        message: { type: 'string' },
        type: { type: 'string' },
        param: { type: ['string', 'null'] },
        code: { type: ['string', 'null'] },
      },
    },
  },
}

function operation(summary: string, body?: z.ZodType): Json {
  const failure = {
    description: 'refused',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  }
  const responses = { '200': { description: 'done' }, '4XX': failure, '5XX': failure }
  if (!body) return { summary, responses }
  const schema = z.toJSONSchema(body, { io: 'input', unrepresentable: 'any' })
  return { summary, requestBody: { required: true, content: { 'application/json': { schema } } }, responses }
}
