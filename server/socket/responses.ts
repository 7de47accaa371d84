/** GET /v1/responses: the WebSocket upgrade. */
import { upgradeWebSocket } from '@hono/node-server'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Deps } from '../deps.ts'
import { KEY_PROTOCOL } from '../http/guard.ts'
import type { App } from '../http/context.ts'
import { MAX_BODY_BYTES } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import { serveConnection } from './connection.ts'

export function socketRoute(app: App, deps: Deps): void {
  app.get(
    '/v1/responses',
    async (c, next) => {
      if (c.req.header('upgrade')?.toLowerCase() !== 'websocket') {
        throw new ApiError(426, 'upgrade_required', 'GET /v1/responses is a WebSocket. To create a response use POST.')
      }
      await next()
    },
    upgradeWebSocket((c) => {
      const { owner, requestId } = { owner: c.get('owner') as string, requestId: c.get('requestId') as string }
      return { onOpen: (_, context) => serveConnection(deps, context.raw as WebSocket, { owner, requestId }) }
    }),
  )
}

/** What does the WebSocket handshakes of a listening server. */
export function createSocketServer(): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY_BYTES,
    perMessageDeflate: false,
    // The key is no protocol to agree on: a browser offers another one beside it.
    handleProtocols: (offered) => [...offered].find((name) => !name.startsWith(KEY_PROTOCOL)) ?? false,
  })
}
