/** One WebSocket in Responses mode: one response at a time, and the memory of those that are not stored. */
import type { WebSocket } from 'ws'
import type { Deps } from '../deps.ts'
import type { Holder } from '../keys.ts'
import { check, parseJson } from '../openai/body.ts'
import { ApiError, errorEvent, toApiError } from '../openai/errors.ts'
import { jsonText } from '../openai/json-text.ts'
import { respond } from '../openai/respond.ts'
import { responseCreate } from '../openai/responses-schema.ts'

/** How long a connection may live, as in OpenAI's service. */
const LIFETIME_MS = 60 * 60 * 1000
/** Bytes that may wait for a reader; then the response waits too. http/connections.ts closes one that never reads. */
const HIGH_WATER_BYTES = 256 * 1024
/** Messages in a row that were refused; then the connection is closed. */
const MAX_REFUSALS = 100
/** A connection that has not answered a ping by the next one is gone. */
const PING_MS = 30_000

const CLOSE = { unsupported: 1003, restart: 1012, limit: 1008 }

export interface ConnectionOptions {
  readonly holder: Holder
  readonly requestId: string
  /** Where the URLs begin under which the client reaches this server. */
  readonly origin: string
}

/** Serves `socket` until it closes. */
export function serveConnection(deps: Deps, socket: WebSocket, options: ConnectionOptions): void {
  const connection = new Connection(deps, socket, options)
  let alive = true
  const offDrain = deps.lifecycle.onDrain(() => connection.settle())
  const lifetime = setTimeout(() => connection.expire(), LIFETIME_MS)
  const heartbeat = setInterval(() => {
    if (!alive) return socket.terminate()
    alive = false
    socket.ping()
  }, PING_MS)
  socket.on('pong', () => (alive = true))
  socket.on('message', (data: Buffer, binary: boolean) => {
    alive = true
    connection.take(data, binary)
  })
  socket.on('close', () => {
    connection.leave()
    offDrain()
    clearTimeout(lifetime)
    clearInterval(heartbeat)
  })
  // ws reports broken frames here and closes by itself with the right code.
  socket.on('error', (error) => deps.log.debug({ err: error }, 'a WebSocket broke'))
}

class Connection {
  readonly #deps: Deps
  readonly #socket: WebSocket
  readonly #options: ConnectionOptions
  readonly #gone = new AbortController()
  readonly #local
  #busy = false
  #expired = false
  #refusals = 0

  constructor(deps: Deps, socket: WebSocket, options: ConnectionOptions) {
    this.#deps = deps
    this.#socket = socket
    this.#options = options
    this.#local = deps.localStates.open()
  }

  /** A message of the client. */
  take(data: Buffer, binary: boolean): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    if (binary) return this.#socket.close(CLOSE.unsupported, 'send text')
    if (!this.#busy && (this.#deps.lifecycle.draining || this.#expired)) return this.settle()
    void this.#run(data.toString())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => this.settle())
  }

  /** The connection has reached its age: it is closed after the response in flight. */
  expire(): void {
    this.#expired = true
    this.settle()
  }

  /** Between responses: closes the socket if it has expired or the server is draining. */
  settle(): void {
    if (this.#busy) return
    if (this.#expired) {
      const message = 'This connection is 60 minutes old. Open a new one to continue.'
      this.#fail(new ApiError(400, 'websocket_connection_limit_reached', message))
      this.#socket.close(CLOSE.limit, 'connection limit reached')
    } else if (this.#deps.lifecycle.draining) this.#socket.close(CLOSE.restart, 'the server is stopping')
  }

  /** The client has left. */
  leave(): void {
    this.#gone.abort()
    this.#local.clear()
  }

  async #run(text: string): Promise<void> {
    const { keys, lifecycle, replies } = this.#deps
    const { holder } = this.#options
    if (this.#busy) {
      const message = 'This connection is still working on a response. Wait for its end.'
      throw new ApiError(409, 'response_in_progress', message)
    }
    if (!keys.holds(holder)) throw new ApiError(401, 'invalid_api_key', 'This API key has been withdrawn.')
    const body = parseJson(text)
    this.#busy = true
    const work = lifecycle.begin(this.#gone.signal)
    const held = replies.hold()
    let failed = true
    try {
      const { requestId, origin } = this.#options
      const caller = { owner: holder.owner, requestId, origin, signal: work.signal, held, local: this.#local }
      const frames = respond(this.#deps, check(responseCreate, body), caller)
      let next = await frames.next()
      for (; !next.done; next = await frames.next()) if ('type' in next.value) await this.#send(next.value)
      failed = 'error' in next.value
      this.#refusals = 0
    } finally {
      // A failed continuation evicts what it built on: that is read again from the store, or is gone.
      if (failed) this.#local.delete(previousOf(body))
      held.release()
      work.done()
      this.#busy = false
    }
  }

  /** Resolves when there is room for more. */
  async #send(event: object): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return
    const written = new Promise<void>((resolve) => this.#socket.send(jsonText(event), () => resolve()))
    if (this.#socket.bufferedAmount > HIGH_WATER_BYTES) await written
  }

  #fail(thrown: unknown): void {
    const { requestId } = this.#options
    const error = toApiError(thrown, requestId)
    if (error.status >= 500) this.#deps.log.error({ err: thrown, request: requestId }, 'a WebSocket request failed')
    void this.#send(errorEvent(error, 0))
    if (++this.#refusals >= MAX_REFUSALS) this.#socket.close(CLOSE.limit, 'too many messages that were refused')
  }
}

function previousOf(body: unknown): string {
  const previous = (body as { previous_response_id?: unknown } | null)?.previous_response_id
  return typeof previous === 'string' ? previous : ''
}
