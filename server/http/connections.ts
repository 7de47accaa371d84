/** The open connections of a server: counted, limited, and closed when their client no longer reads. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Logger } from 'pino'
import type { Limits } from '../limits.ts'
import type { Metrics } from '../metrics.ts'

/** A log line about refused connections says how many there were since the last one. */
const LOG_MS = 10_000

export interface Connections {
  /** Destroys all of them, those that became WebSockets too. */
  destroyAll(): void
}

/** Watches the connections of `server` until it closes. */
export function watchConnections(server: Server, limits: Limits, log: Logger, metrics: Metrics): Connections {
  const open = new Map<Socket, Output>()
  server.on('connection', (socket: Socket) => {
    // A connection whose upgrade was not taken is announced a second time.
    if (open.has(socket)) return
    open.set(socket, { sent: 0, since: performance.now() })
    metrics.connections.set(open.size)
    socket.on('close', () => {
      open.delete(socket)
      metrics.connections.set(open.size)
    })
  })
  limitConnections(server, limits, log, metrics)
  const sweep = setInterval(() => {
    const now = performance.now()
    for (const [socket, output] of open) {
      if (!stalled(socket, output, now, limits.stallMs)) continue
      log.info({ address: socket.remoteAddress, unread: socket.writableLength }, 'a client stopped reading; closing it')
      metrics.rejected.inc({ reason: 'slow_reader' })
      socket.destroy()
    }
  }, limits.stallMs / 6)
  sweep.unref()
  server.on('close', () => clearInterval(sweep))
  return {
    destroyAll() {
      for (const socket of open.keys()) socket.destroy()
    },
  }
}

/** Bytes that had left for the client when something last left, and when that was. */
interface Output {
  sent: number
  since: number
}

function stalled(socket: Socket, output: Output, now: number, stallMs: number): boolean {
  // Every writer gives buffers or ASCII, so both numbers count bytes.
  const sent = socket.bytesWritten - socket.writableLength
  if (socket.writableLength === 0 || sent !== output.sent) {
    output.sent = sent
    output.since = now
  }
  return now - output.since > stallMs
}

/** Closes connections beyond the limit as they come, and says so in the log. */
function limitConnections(server: Server, limits: Limits, log: Logger, metrics: Metrics): void {
  let refused = 0
  let loggedAt = -Infinity
  server.maxConnections = limits.connections
  server.on('drop', () => {
    refused++
    metrics.rejected.inc({ reason: 'connections' })
    if (performance.now() - loggedAt < LOG_MS) return
    log.warn({ refused, limit: limits.connections }, 'connections were refused; --max-connections sets the limit')
    loggedAt = performance.now()
    refused = 0
  })
}
