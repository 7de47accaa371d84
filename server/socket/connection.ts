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
/** Bytes that a reader may be behind; then it is let go. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024
/** Messages in a row that were refused; then it is closed: whoever goes on like this is no client. */
const MAX_REFUSALS = 100
/** A connection that has not answered a ping by the next one is gone. */
const PING_MS = 30_000

const CLOSE = { unsupported: 1003, restart: 1012, overloaded: 1013, limit: 1008 }

export interface ConnectionOptions {
  readonly holder: Holder
  readonly requestId: string
}

/** Serves `socket` until it closes. */
export function serveConnection(deps: Deps, socket: WebSocket, options: ConnectionOptions): void {
  const gone = new AbortController()
  const local = deps.localStates.open()
  let busy = false
  let refusals = 0
  let expired = false
  let alive = true

  const send = (event: object): void => {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > MAX_BUFFERED_BYTES) {
      deps.metrics.rejected.inc({ reason: 'slow_reader' })
      gone.abort()
      socket.close(CLOSE.overloaded, 'the reader is too slow')
      socket.terminate()
      return
    }
    socket.send(jsonText(event))
  }
  const fail = (thrown: unknown): void => {
    const error = toApiError(thrown, options.requestId)
    if (error.status >= 500) deps.log.error({ err: thrown, request: options.requestId }, 'a WebSocket request failed')
    send(errorEvent(error, 0))
    if (++refusals >= MAX_REFUSALS) socket.close(CLOSE.limit, 'too many messages that were refused')
  }
  /** Between responses: closes the socket if it has expired or the server is draining. */
  const settle = (): void => {
    if (busy) return
    if (expired) {
      const message = 'This connection is 60 minutes old. Open a new one to continue.'
      fail(new ApiError(400, 'websocket_connection_limit_reached', message))
      socket.close(CLOSE.limit, 'connection limit reached')
    } else if (deps.lifecycle.draining) socket.close(CLOSE.restart, 'the server is stopping')
  }
  const run = async (text: string): Promise<void> => {
    if (busy) {
      const message = 'This connection is still working on a response. Wait for its end.'
      throw new ApiError(409, 'response_in_progress', message)
    }
    if (!deps.keys.holds(options.holder)) throw new ApiError(401, 'invalid_api_key', 'This API key has been withdrawn.')
    const body = parseJson(text)
    busy = true
    const work = deps.lifecycle.begin(gone.signal)
    const held = deps.replies.hold()
    let failed = true
    try {
      const { owner } = options.holder
      const caller = { owner, requestId: options.requestId, signal: work.signal, held, local }
      const frames = respond(deps, check(responseCreate, body), caller)
      let next = await frames.next()
      for (; !next.done; next = await frames.next()) if ('type' in next.value) send(next.value)
      failed = 'error' in next.value
      refusals = 0
    } finally {
      // A failed continuation evicts what it built on: that is read again from the store, or is gone.
      if (failed) local.delete(previousOf(body))
      held.release()
      work.done()
      busy = false
    }
  }

  const offDrain = deps.lifecycle.onDrain(settle)
  const lifetime = setTimeout(() => {
    expired = true
    settle()
  }, LIFETIME_MS)
  const heartbeat = setInterval(() => {
    if (!alive) return socket.terminate()
    alive = false
    socket.ping()
  }, PING_MS)
  socket.on('pong', () => (alive = true))
  socket.on('message', (data: Buffer, binary: boolean) => {
    alive = true
    if (socket.readyState !== socket.OPEN) return
    if (binary) return socket.close(CLOSE.unsupported, 'send text')
    if (!busy && (deps.lifecycle.draining || expired)) return settle()
    void run(data.toString()).catch(fail).finally(settle)
  })
  socket.on('close', () => {
    gone.abort()
    offDrain()
    clearTimeout(lifetime)
    clearInterval(heartbeat)
    local.clear()
  })
  // ws reports broken frames here and closes by itself with the right code.
  socket.on('error', (error) => deps.log.debug({ err: error }, 'a WebSocket broke'))
}

function previousOf(body: unknown): string {
  const previous = (body as { previous_response_id?: unknown } | null)?.previous_response_id
  return typeof previous === 'string' ? previous : ''
}
