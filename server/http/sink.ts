/** Where an answer that comes in pieces goes: straight to the connection, or into a Response where there is none. */
import type { ServerResponse } from 'node:http'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { RequestContext } from './context.ts'

/** The client went away while something was sent to it. */
export class ClientGoneError extends Error {
  override name = 'ClientGoneError' as const
}

export interface Sink {
  /** Resolves when more may be written. Rejects with ClientGoneError. */
  write(text: string): Promise<void>
  end(): void
  /** Calls `listener` once, when the client has gone or everything has been sent. */
  onClose(listener: () => void): void
  /** For the framework. */
  readonly response: Response
}

/** Sends status 200 and `headers` at once. */
export function openSink(c: RequestContext, headers: Record<string, string>): Sink {
  const outgoing = c.env?.outgoing
  // Written past the web streams of the framework, which cost as much as a small model's token.
  return outgoing && 'assignSocket' in outgoing ? connectionSink(c, outgoing, headers) : streamSink(c, headers)
}

function connectionSink(c: RequestContext, outgoing: ServerResponse, headers: Record<string, string>): Sink {
  const preset = Object.fromEntries(c.body(null).headers)
  outgoing.writeHead(200, { ...preset, ...headers })
  outgoing.flushHeaders()
  const drained = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const settle = (): void => {
        outgoing.off('drain', settle).off('close', settle)
        if (outgoing.destroyed) reject(new ClientGoneError('the client has gone'))
        else resolve()
      }
      outgoing.on('drain', settle).on('close', settle)
    })
  return {
    async write(text) {
      if (outgoing.destroyed) throw new ClientGoneError('the client has gone')
      if (!outgoing.write(text)) await drained()
    },
    end: () => void outgoing.end(),
    onClose: (listener) => void outgoing.once('close', listener),
    response: RESPONSE_ALREADY_SENT,
  }
}

function streamSink(c: RequestContext, headers: Record<string, string>): Sink {
  const encoder = new TextEncoder()
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  return {
    async write(text) {
      await writer.write(encoder.encode(text)).catch((cause: unknown) => {
        throw new ClientGoneError('the client has gone', { cause })
      })
    },
    end: () => void writer.close().catch(() => undefined),
    onClose: (listener) => void writer.closed.then(listener, listener),
    response: c.body(readable, 200, headers),
  }
}
