/** What the middleware puts into a request for the routes. */
import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import { ApiError, errorBody } from '../openai/errors.ts'
import { MAX_BODY_BYTES, parseJson } from '../openai/body.ts'

export interface Env {
  Variables: { owner: string; requestId: string }
  Bindings: Partial<HttpBindings>
}

export type App = Hono<Env>
export type RequestContext = Context<Env>

/** The JSON body of a request. Throws ApiError for anything else, and as soon as it is too long. */
export async function readJson(c: RequestContext): Promise<unknown> {
  const type = c.req.header('content-type') ?? ''
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new ApiError(415, 'unsupported_media_type', 'The request needs the header Content-Type: application/json.')
  }
  if (c.req.header('content-encoding') !== undefined) {
    throw new ApiError(415, 'unsupported_media_type', 'Compressed request bodies are not taken.')
  }
  if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of c.req.raw.body ?? []) {
    size += part.length
    if (size > MAX_BODY_BYTES) throw tooLarge()
    parts.push(part)
  }
  return parseJson(Buffer.concat(parts))
}

/** An error as the answer of a request. */
export function errorResponse(error: ApiError): Response {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (error.retryAfter !== null) headers['retry-after'] = String(error.retryAfter)
  return new Response(JSON.stringify(errorBody(error)), { status: error.status, headers })
}

function tooLarge(): ApiError {
  return new ApiError(413, 'body_too_large', `The request body is longer than ${MAX_BODY_BYTES} bytes.`)
}
