/** Responses over a WebSocket: one connection, one response at a time, each continuing where the last one ended. */
import { connectionError, errorFrom, MnemeError } from './error.ts'
import type { ResponseEvent, ResponseObject, ResponseRequest } from './wire.ts'

/** As much of a WebSocket as is used here: the browser's own, Node's (22 and later), or that of the package ws. */
export interface Socket {
  send(text: string): void
  close(): void
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: object) => void): void
}
export type SocketConstructor = new (url: string, protocols?: string[]) => Socket

export interface Connection {
  /**
   * Yields the events of a response. The WebSocket is opened when there is none.
   * Leaving early, or aborting `signal`, closes it, and the server forgets the turn; the next response opens another.
   * Throws MnemeError, or the signal's reason.
   */
  stream(request: ResponseRequest, options?: { signal?: AbortSignal }): AsyncGenerator<ResponseEvent>
  close(): void
}

/** Where to connect; the key goes as a subprotocol, because browsers cannot set headers on a WebSocket. */
export interface Address {
  readonly url: string
  readonly apiKey?: string | undefined
  readonly WebSocket: SocketConstructor
}

/** A connection that opens itself when it is first used. */
export function createConnection(address: Address): Connection {
  let line: Line | null = null
  let busy = false

  async function* stream(
    request: ResponseRequest,
    { signal }: { signal?: AbortSignal } = {},
  ): AsyncGenerator<ResponseEvent> {
    if (busy)
      throw new MnemeError('This connection is still working on a response. Open a second one.', { code: 'busy' })
    busy = true
    let ended = false
    const abort = (): void => line?.fail(signal?.reason)
    try {
      signal?.throwIfAborted()
      if (!line?.open) line = openLine(address)
      signal?.addEventListener('abort', abort)
      await line.opened
      line.send({ type: 'response.create', ...request })
      while (!ended) {
        const event = eventOf(await line.next())
        ended = event.type === 'response.completed' || event.type === 'response.incomplete'
        yield event
      }
    } catch (error) {
      // The server refused the request: the connection itself is fine.
      ended = error instanceof MnemeError && error.code !== 'connection_failed'
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
      if (!ended) line?.fail(connectionError(address.url))
      busy = false
    }
  }
  return { stream, close: () => line?.fail(connectionError(address.url)) }
}

/** The event of a message; throws what the message says went wrong. */
function eventOf(message: unknown): ResponseEvent {
  const event = message as ResponseEvent | Failure
  if (event.type === 'error') throw errorFrom(event, event.status ?? null)
  if (event.type === 'response.failed') throw failureOf(event.response)
  return event
}

/** The error of a response that failed once it had begun. */
export function failureOf({ error }: ResponseObject): MnemeError {
  return new MnemeError(error?.message ?? 'The response failed.', { code: error?.code ?? 'unknown' })
}

type Failure = { type: 'error'; status?: number } | { type: 'response.failed'; response: ResponseObject }

/** One WebSocket with its messages in a row. */
interface Line {
  readonly open: boolean
  readonly opened: Promise<void>
  send(message: object): void
  next(): Promise<unknown>
  /** Closes; who waits gets `reason`. */
  fail(reason: unknown): void
}

function openLine({ url, apiKey, WebSocket }: Address): Line {
  const key = apiKey === undefined ? undefined : ['mneme', `openai-insecure-api-key.${apiKey}`]
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/responses`, key)
  const messages: unknown[] = []
  let failure: { reason: unknown } | null = null
  let wake: (() => void) | undefined
  const opened = new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    wake = () => failure && reject(failure.reason)
  })
  opened.catch(() => undefined)
  const fail = (reason: unknown): void => {
    if (failure) return
    failure = { reason }
    socket.close()
    wake?.()
  }
  socket.addEventListener('message', (event) => {
    messages.push(JSON.parse(String((event as { data: unknown }).data)))
    wake?.()
  })
  for (const type of ['error', 'close'] as const)
    socket.addEventListener(type, (event) => fail(connectionError(url, event)))
  return {
    get open() {
      return failure === null
    },
    opened,
    send: (message) => socket.send(JSON.stringify(message)),
    async next() {
      while (messages.length === 0) {
        if (failure) throw failure.reason
        await new Promise<void>((resolve) => (wake = resolve))
      }
      return messages.shift()
    },
    fail,
  }
}
