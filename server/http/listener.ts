/** The HTTP server around the application, with limits for slow and hostile clients. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Deps } from '../deps.ts'
import { createSocketServer } from '../socket/endpoint.ts'
import { watchConnections, type Connections } from './connections.ts'
import type { App } from './context.ts'
import { takeUpgrades } from './upgrade.ts'

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
}

/** A server that does not listen yet, and its connections. */
export function createListener(app: App, deps: Deps): { server: Server; connections: Connections } {
  const { limits, log, metrics } = deps
  const listener = getRequestListener(app.fetch)
  const takes = limitPipelining(limits.pipelined)
  const options = { ...LIMITS, keepAliveTimeout: limits.keepAliveMs }
  const server = createServer(options, (incoming, outgoing) => {
    if (takes(incoming, outgoing)) void listener(incoming, outgoing)
  })
  const connections = watchConnections(server, limits, log, metrics)
  takeUpgrades(server, app, createSocketServer(limits))
  return { server, connections }
}

/**
 * Returns whether a request is answered. A client that sends `limit` requests without reading gets those answers and
 * is then closed, as HTTP allows after any answer: thousands of requests in one packet would hold up all other clients.
 */
function limitPipelining(limit: number): (incoming: IncomingMessage, outgoing: ServerResponse) => boolean {
  const unanswered = new WeakMap<Socket, number>()
  const closing = new WeakSet<Socket>()
  return ({ socket }, outgoing) => {
    if (closing.has(socket)) return false
    const count = (unanswered.get(socket) ?? 0) + 1
    unanswered.set(socket, count)
    outgoing.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1))
    if (count < limit) return true
    closing.add(socket)
    outgoing.setHeader('connection', 'close')
    return true
  }
}
