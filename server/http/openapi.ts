/** The API's description, made from the endpoints and the schemas that check their requests. */
import { z } from 'zod'
import type { Endpoint } from './endpoint.ts'

type Json = Record<string, unknown>

/** An OpenAPI 3.1 document. */
export function openApi(version: string, endpoints: readonly Endpoint[]): Json {
  const paths: Record<string, Json> = {}
  for (const endpoint of endpoints) {
    const path = openApiPath(endpoint)
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operation(endpoint) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'mneme', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } }, schemas: { Error: ERROR } },
    paths,
  }
}

/** `/v1/models/:id{.+}` in OpenAPI's spelling: `/v1/models/{id}`. */
export function openApiPath({ path }: Pick<Endpoint, 'path'>): string {
  return path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')
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

function operation(endpoint: Endpoint): Json {
  const { summary, access, body, form, query, socket } = endpoint
  const failure = {
    description: 'refused',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  }
  const success = socket ? { '101': { description: 'upgraded' } } : { '200': { description: 'done' } }
  const names = [...openApiPath(endpoint).matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
  const inPath = names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } }))
  const parameters = [...inPath, ...(query ? queryParameters(query) : [])]
  return {
    summary,
    security: access === 'public' ? [] : [{ key: [access] }, {}],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: bodyOf('application/json', body) } : {}),
    ...(form ? { requestBody: bodyOf('multipart/form-data', form) } : {}),
    responses: { ...success, '4XX': failure, '5XX': failure },
  }
}

function bodyOf(type: string, schema: z.ZodType): Json {
  return { required: true, content: { [type]: { schema: jsonSchema(schema) } } }
}

function queryParameters(query: z.ZodType): Json[] {
  const { properties } = jsonSchema(query) as { properties: Record<string, Json> }
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }))
}

function jsonSchema(schema: z.ZodType): Json {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
}
