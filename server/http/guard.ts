/** What every request passes before its endpoint: an id, the host, the origin, the key, and whether work is taken. */
import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { Deps } from '../deps.ts'
import type { Holder } from '../keys.ts'
import { ApiError } from '../openai/errors.ts'
import type { Env, RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'

/** Browsers cannot set headers on a WebSocket, so the key may come as a subprotocol, as in OpenAI's Realtime API. */
export const KEY_PROTOCOL = 'openai-insecure-api-key.'

/** Seconds after which another server, or this one again, may answer. */
const RETRY_AFTER = 5

/** Gives each request an id, and each answer its headers. */
export function identify(deps: Deps): MiddlewareHandler<Env> {
  return async (c, next) => {
    c.set('requestId', `req_${randomUUID()}`)
    for (const [name, value] of Object.entries(answerHeaders(deps, c))) c.header(name, value)
    await next()
  }
}

/** Refuses what a web page may not ask for, and answers what browsers ask before they let one. */
export function admitOrigins(deps: Deps): MiddlewareHandler<Env> {
  return async (c, next) => {
    const origin = c.req.header('origin')
    const preflight = c.req.method === 'OPTIONS' && c.req.header('access-control-request-method') !== undefined
    requireHost(deps, c)
    const allowed = origin !== undefined && deps.access.allowsOrigin(origin, hostOf(c))
    if (preflight) {
      if (!allowed) throw foreignOrigin(deps, origin)
      return c.body(null, 204, preflightHeaders(c, origin))
    }
    // With keys a foreign page gets nowhere: it has none, and browsers keep answers from it.
    if (!deps.keys.required && !allowed && isForeign(c)) throw foreignOrigin(deps, origin)
    return next()
  }
}

/** Headers of every answer; an error, for which the framework begins anew, needs them once more. */
export function answerHeaders(deps: Deps, c: RequestContext): Record<string, string> {
  const origin = c.req.header('origin')
  const allowed = origin !== undefined && deps.access.allowsOrigin(origin, hostOf(c))
  return {
    'x-request-id': c.get('requestId'),
    'x-content-type-options': 'nosniff',
    ...(allowed ? { ...originHeaders(origin), 'access-control-expose-headers': 'x-request-id, retry-after' } : {}),
  }
}

/** Requires a key with the endpoint's scope, and that the server takes work. Null: a path that does not exist. */
export function authorize(deps: Deps, endpoint: Endpoint | null): MiddlewareHandler<Env> {
  const { access = 'api', whileStopping = false, socket = false } = endpoint ?? {}
  return async (c, next) => {
    const holder = access === 'public' ? null : await authenticate(deps, c)
    if (holder && access !== 'public' && !holder.scopes.has(access)) {
      deps.metrics.rejected.inc({ reason: 'scope' })
      throw new ApiError(403, 'insufficient_scope', `The API key '${holder.name}' lacks the scope '${access}'.`)
    }
    if (deps.lifecycle.draining && !whileStopping) {
      deps.metrics.rejected.inc({ reason: 'draining' })
      throw new ApiError(503, 'server_shutting_down', 'The server is stopping and takes no new work.', {
        retryAfter: RETRY_AFTER,
      })
    }
    if (c.env?.upgrade && !socket) {
      const message = `There is no WebSocket at ${c.req.path.slice(0, 100)}; it is at /v1/responses.`
      throw new ApiError(404, 'not_found', message)
    }
    if (!holder) return next()
    c.set('holder', holder)
    const leave = deps.admission.enter(holder.owner)
    // Over a network a request ends with its answer, which may be a stream, and a WebSocket with its connection.
    const end = c.env?.upgrade ? c.env.incoming?.socket : c.env?.outgoing
    end?.once('close', leave)
    try {
      return await next()
    } finally {
      if (!end) leave()
    }
  }
}

async function authenticate(deps: Deps, c: RequestContext): Promise<Holder> {
  const bearer = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
  const protocol = protocolsOf(c)
    .find((p) => p.startsWith(KEY_PROTOCOL))
    ?.slice(KEY_PROTOCOL.length)
  // As Anthropic's clients send it.
  const key = bearer ?? c.req.header('x-api-key') ?? protocol ?? null
  const holder = deps.keys.holderOf(key)
  if (holder) return holder
  deps.metrics.rejected.inc({ reason: 'authentication' })
  if (key !== null) await deps.wrongKeys.delay(c.env?.incoming?.socket.remoteAddress ?? '')
  throw new ApiError(401, 'invalid_api_key', 'A valid API key is needed: Authorization: Bearer KEY.')
}

function requireHost(deps: Deps, c: RequestContext): void {
  if (deps.access.allowsHost(hostOf(c))) return
  deps.metrics.rejected.inc({ reason: 'host' })
  throw new ApiError(
    403,
    'host_not_allowed',
    `This server is not called '${hostOf(c).slice(0, 100)}'. If it should be, start it with --allowed-host NAME.`,
  )
}

/** Whether a page of another origin made the browser send this. Browsers leave out Origin where they only load. */
function isForeign(c: RequestContext): boolean {
  const site = c.req.header('sec-fetch-site')
  return c.req.header('origin') !== undefined || site === 'cross-site' || site === 'same-site'
}

function foreignOrigin(deps: Deps, origin: string | undefined): ApiError {
  deps.metrics.rejected.inc({ reason: 'origin' })
  const name = origin?.slice(0, 100) ?? 'other origins'
  return new ApiError(
    403,
    'foreign_origin',
    `Web pages of ${name} may not use this server. To allow them, start it with --allowed-origin ORIGIN.`,
  )
}

function preflightHeaders(c: RequestContext, origin: string): Record<string, string> {
  const headers = c.req.header('access-control-request-headers')
  const network = c.req.header('access-control-request-private-network')
  return {
    ...originHeaders(origin),
    'access-control-allow-methods': 'GET, POST, DELETE',
    'access-control-max-age': '600',
    ...(headers === undefined ? {} : { 'access-control-allow-headers': headers }),
    ...(network === 'true' ? { 'access-control-allow-private-network': 'true' } : {}),
  }
}

function originHeaders(origin: string): Record<string, string> {
  return { 'access-control-allow-origin': origin, vary: 'origin' }
}

/** The Host header; requests that tests make without a network have it in their URL. */
function hostOf(c: RequestContext): string {
  return c.req.header('host') ?? new URL(c.req.url).host
}

function protocolsOf(c: RequestContext): string[] {
  return (c.req.header('sec-websocket-protocol') ?? '').split(',').map((p) => p.trim())
}
