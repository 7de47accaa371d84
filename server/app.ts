/** The application: routes over what it is given, with no side effects of its own. */
import { Hono } from 'hono'
import type { Deps } from './deps.ts'
import { errorResponse, type App, type Env } from './http/context.ts'
import { generateRoutes } from './http/generate.ts'
import { guard } from './http/guard.ts'
import { statusRoutes } from './http/status.ts'
import { storedRoutes } from './http/stored.ts'
import { toApiError } from './openai/errors.ts'
import { socketRoute } from './socket/responses.ts'

/** Every route, behind one guard; every error in one shape. */
export function createApp(deps: Deps): App {
  const app: App = new Hono<Env>()
  app.use('*', guard(deps))
  socketRoute(app, deps)
  generateRoutes(app, deps)
  storedRoutes(app, deps)
  statusRoutes(app, deps)
  app.onError((thrown, c) => {
    const requestId = c.get('requestId')
    const error = toApiError(thrown, requestId)
    if (error.status >= 500) deps.log.error({ err: thrown, request: requestId }, 'a request failed')
    else deps.log.debug({ code: error.code, request: requestId }, 'a request was refused')
    const response = errorResponse(error)
    response.headers.set('x-request-id', requestId)
    return response
  })
  return app
}
