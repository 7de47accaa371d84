/** The application: the endpoints over what it is given, with no side effects of its own. */
import { Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { getPath } from 'hono/utils/url'
import type { Deps } from './deps.ts'
import { errorBody, ApiError, toApiError } from './openai/errors.ts'
import type { App, Env, RequestContext } from './http/context.ts'
import { allEndpoints } from './http/endpoints.ts'
import { admitOrigins, answerHeaders, authorize, identify } from './http/guard.ts'

/** Every endpoint behind its guard; every error in one shape. */
export function createApp(deps: Deps): App {
  const app: App = new Hono<Env>({ getPath: pathOf })
  const endpoints = allEndpoints(deps)
  app.use('*', identify(deps), admitOrigins(deps))
  for (const endpoint of endpoints) {
    app.on(endpoint.method, endpoint.path, authorize(deps, endpoint), (c) => endpoint.answer(c))
  }
  for (const path of new Set(endpoints.map((endpoint) => endpoint.path))) {
    const methods = endpoints.filter((endpoint) => endpoint.path === path).map(({ method }) => method)
    app.all(path, authorize(deps, null), (c) => {
      throw methodNotAllowed(c, methods)
    })
  }
  app.all('*', authorize(deps, null), (c) => {
    throw new ApiError(
      404,
      'not_found',
      `There is no ${c.req.method} ${c.req.path.slice(0, 100)}; /openapi.json lists what there is.`,
    )
  })
  app.onError((thrown, c) => failure(deps, thrown, c))
  return app
}

/** The path that guards and routes see alike: `//v1/models/` is /v1/models, as some clients join their base URL. */
function pathOf(request: Request): string {
  const path = getPath(request).replace(/\/{2,}/g, '/')
  return path.length > 1 ? path.replace(/\/$/, '') : path
}

function methodNotAllowed(c: RequestContext, methods: readonly string[]): ApiError {
  const allow = methods.join(', ')
  const message = `There is no ${c.req.method} ${c.req.path.slice(0, 100)}; there is ${allow}.`
  return new ApiError(405, 'method_not_allowed', message, { allow })
}

/** An error as the answer of a request. Ours are logged as errors, a client's at debug. */
function failure(deps: Deps, thrown: unknown, c: RequestContext): Response {
  const requestId = c.get('requestId')
  const error = toApiError(thrown, requestId)
  if (error.status >= 500 && error.code !== 'server_shutting_down') {
    deps.log.error({ err: thrown, request: requestId }, 'a request failed')
  } else deps.log.debug({ code: error.code, request: requestId }, 'a request was refused')
  if (error.retryAfter !== null) c.header('retry-after', String(error.retryAfter))
  if (error.allow !== null) c.header('allow', error.allow)
  for (const [name, value] of Object.entries(answerHeaders(deps, c))) c.header(name, value)
  return c.json(errorBody(error), error.status as ContentfulStatusCode)
}
