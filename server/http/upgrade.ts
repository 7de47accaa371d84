/** Upgrades: WebSockets where there are some, plain HTTP for everything else. */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { WebSocketServer } from 'ws'
import { ApiError, errorBody } from '../openai/errors.ts'
import type { App, Upgrade } from './context.ts'

/** Takes the upgrades of `server`: `app` decides which become WebSockets. */
export function takeUpgrades(server: Server, app: App, sockets: WebSocketServer): void {
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    if (request.method !== 'GET' || request.headers.upgrade?.toLowerCase() !== 'websocket') {
      return serveWithoutUpgrade(server, request, socket, head)
    }
    // A client that leaves during the handshake.
    const ignore = (): void => undefined
    socket.on('error', ignore)
    const upgrade: Upgrade = { accept: null }
    void answerOf(app, request, upgrade).then(async (answer) => {
      const { accept } = upgrade
      if (!accept || !answer.ok) return refuse(socket, answer)
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off('error', ignore)
        accept(webSocket)
      })
    })
  })
}

async function answerOf(app: App, request: IncomingMessage, upgrade: Upgrade): Promise<Response> {
  const url = `http://${request.headers.host ?? 'localhost'}${request.url ?? '/'}`
  if (!URL.canParse(url)) {
    const error = new ApiError(400, 'invalid_url', 'The request names no valid URL.')
    return Response.json(errorBody(error), { status: error.status })
  }
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers)) headers.set(name, [value].flat().join(', '))
  return app.fetch(new Request(url, { headers }), { incoming: request, upgrade })
}

/** Sends an HTTP answer and closes the connection, whether or not the client closes its half. */
async function refuse(socket: Socket, answer: Response): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer())
  const headers = [...answer.headers].filter(([name]) => name !== 'content-length')
  const lines = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `content-length: ${body.length}`,
    'connection: close',
  ]
  socket.write(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body]))
  socket.destroySoon()
}

/**
 * Serves a request as if it had not asked for an upgrade (h2c, say), as RFC 9110 (7.8) allows. Node has taken the
 * connection from its HTTP parser by now, so the request's head is put back without those headers and read again.
 */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`]
  for (let i = 0; i < request.rawHeaders.length; i += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(i, i + 2)
    const kept = name.toLowerCase() === 'connection' ? withoutUpgradeTokens(value) : value
    if (!UPGRADE_HEADERS.has(name.toLowerCase()) && kept !== '') lines.push(`${name}: ${kept}`)
  }
  // Node reads header bytes as latin1; the same bytes go back.
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}

const UPGRADE_HEADERS: ReadonlySet<string> = new Set(['upgrade', 'http2-settings'])

function withoutUpgradeTokens(value: string): string {
  const tokens = value.split(',').map((token) => token.trim())
  return tokens.filter((token) => !UPGRADE_HEADERS.has(token.toLowerCase())).join(', ')
}
