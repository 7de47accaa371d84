/** The HTTP server around the application, with limits for slow and hostile clients. */
import type { Server } from 'node:http'
import { createAdaptorServer, type WebSocketServerLike } from '@hono/node-server'
import type { WebSocketServer } from 'ws'
import { createSocketServer } from '../socket/responses.ts'
import type { App } from './context.ts'

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
}

/** A server that does not listen yet, and the WebSockets that it will have. */
export function createListener(app: App): { server: Server; sockets: WebSocketServer } {
  const sockets = createSocketServer()
  const server = createAdaptorServer({
    fetch: app.fetch,
    websocket: { server: sockets as WebSocketServerLike },
    serverOptions: LIMITS,
  }) as Server
  return { server, sockets }
}
