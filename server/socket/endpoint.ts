/** GET /v1/responses: the WebSocket. */
import { WebSocketServer } from 'ws'
import type { Deps } from '../deps.ts'
import type { Endpoint } from '../http/endpoint.ts'
import { KEY_PROTOCOL } from '../http/guard.ts'
import type { Limits } from '../limits.ts'
import { ApiError } from '../openai/errors.ts'
import { serveConnection } from './connection.ts'

export function socketEndpoint(deps: Deps): Endpoint {
  return {
    method: 'GET',
    path: '/v1/responses',
    summary: 'WebSocket: one response.create after the other, each answered by the events of its response',
    access: 'api',
    whileStopping: false,
    socket: true,
    answer(c) {
      const upgrade = c.env?.upgrade
      if (!upgrade) {
        throw new ApiError(426, 'upgrade_required', 'GET /v1/responses is a WebSocket. To create a response use POST.')
      }
      const { holder, requestId } = { holder: c.get('holder'), requestId: c.get('requestId') }
      const { origin } = new URL(c.req.url)
      upgrade.accept = (socket) => serveConnection(deps, socket, { holder, requestId, origin })
      return c.body(null)
    },
  }
}

/** What does the WebSocket handshakes of a listening server. */
export function createSocketServer(limits: Limits): WebSocketServer {
  return new WebSocketServer({
    noServer: true,
    maxPayload: limits.bodyBytes,
    perMessageDeflate: false,
    // The key is no protocol to agree on: a browser offers another one beside it.
    handleProtocols: (offered) => [...offered].find((name) => !name.startsWith(KEY_PROTOCOL)) ?? false,
  })
}
