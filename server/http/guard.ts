/** What every request passes: an id, the key, and the question whether work is still taken. */
import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Deps } from '../deps.ts'
import { ApiError } from '../openai/errors.ts'
import type { Env, RequestContext } from './context.ts'

/** Exactly these paths need no key; whatever is spelled differently does. */
const PUBLIC: ReadonlySet<string> = new Set(['/livez', '/readyz', '/health'])

/** Browsers cannot set headers on a WebSocket, so the key may come as a subprotocol, as in OpenAI's Realtime API. */
export const KEY_PROTOCOL = 'openai-insecure-api-key.'

/** Seconds after which another server, or this one again, may answer. */
const RETRY_AFTER = 5

export function guard(deps: Deps): MiddlewareHandler<Env> {
  return async (c, next) => {
    const requestId = `req_${randomUUID()}`
    c.set('requestId', requestId)
    c.header('x-request-id', requestId)
    if (!PUBLIC.has(c.req.path)) c.set('owner', authenticate(deps, c))
    if (deps.lifecycle.draining && !PUBLIC.has(c.req.path) && c.req.path !== '/metrics') {
      deps.metrics.rejected.inc({ reason: 'draining' })
      throw new ApiError(503, 'server_shutting_down', 'The server is stopping and takes no new work.', {
        retryAfter: RETRY_AFTER,
      })
    }
    await next()
  }
}

function authenticate(deps: Deps, c: RequestContext): string {
  const bearer = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  const protocol = protocolsOf(c)
    .find((p) => p.startsWith(KEY_PROTOCOL))
    ?.slice(KEY_PROTOCOL.length)
  const owner = deps.keys.ownerOf(bearer ?? protocol ?? null)
  if (owner === null) {
    deps.metrics.rejected.inc({ reason: 'authentication' })
    throw new ApiError(401, 'invalid_api_key', 'A valid API key is needed: Authorization: Bearer KEY.')
  }
  // Without keys anything on this machine may ask, but not a web page that somebody looks at here.
  const origin = c.req.header('origin')
  if (!deps.keys.required && origin !== undefined && hostOf(origin) !== c.req.header('host')) {
    deps.metrics.rejected.inc({ reason: 'origin' })
    throw new ApiError(
      403,
      'foreign_origin',
      'Requests from web pages of other origins need the server to run with API keys.',
    )
  }
  return owner
}

function protocolsOf(c: RequestContext): string[] {
  return (c.req.header('sec-websocket-protocol') ?? '').split(',').map((p) => p.trim())
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null
}
