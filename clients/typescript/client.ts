/** A client of a mneme server for Node and browsers: fetch and WebSocket, nothing else. */
import type { CallOptions } from './call-options.ts'
import { conversationsOf, type Conversations } from './conversations.ts'
import { connectionError, errorFrom, MnemeError } from './error.ts'
import { readEvents } from './event-stream.ts'
import { memoriesOf, type EmbeddingRequest, type EmbeddingResponse, type Memories } from './memories.ts'
import { createConnection, failureOf, type Connection, type SocketConstructor } from './socket.ts'
import type {
  ChatChunk,
  ChatCompletion,
  ChatRequest,
  MessageItem,
  ModelObject,
  ResponseEvent,
  ResponseObject,
  ResponseRequest,
  Version,
} from './wire.ts'

export interface ClientOptions {
  /** Where the server is: http://127.0.0.1:8080, with or without /v1. */
  readonly url: string
  readonly apiKey?: string | undefined
  /** Where the runtime has none of its own (Node 20): that of the package ws. */
  readonly WebSocket?: SocketConstructor | undefined
}

/** Every call throws MnemeError; streams are cancelled by leaving their loop. */
export interface Client {
  readonly responses: {
    create(request: ResponseRequest, options?: CallOptions): Promise<ResponseObject>
    stream(request: ResponseRequest, options?: CallOptions): AsyncGenerator<ResponseEvent>
    get(id: string, options?: CallOptions): Promise<ResponseObject>
    /** What was sent to it, in order. */
    inputItems(id: string, options?: CallOptions): Promise<readonly MessageItem[]>
    delete(id: string, options?: CallOptions): Promise<void>
    /** Responses over one WebSocket. */
    connect(): Connection
  }
  readonly chat: {
    create(request: ChatRequest, options?: CallOptions): Promise<ChatCompletion>
    stream(request: ChatRequest, options?: CallOptions): AsyncGenerator<ChatChunk>
  }
  /** Vectors of texts, by an embedder of the server. */
  embed(request: EmbeddingRequest, options?: CallOptions): Promise<EmbeddingResponse>
  readonly memories: Memories
  readonly conversations: Conversations
  models(options?: CallOptions): Promise<readonly ModelObject[]>
  version(options?: CallOptions): Promise<Version>
}

/** A client of the server at `url`. Connects when it is first used. */
export function createClient({ url: given, apiKey, WebSocket }: ClientOptions): Client {
  const url = baseOf(given)

  const call = async (
    method: string,
    path: string,
    body: object | null,
    { signal }: CallOptions = {},
  ): Promise<Response> => {
    const headers = {
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    }
    const answer = await fetch(`${url}${path}`, {
      method,
      headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
      ...(signal ? { signal } : {}),
    }).catch((cause: unknown) => {
      throw signal?.aborted ? cause : connectionError(url, cause)
    })
    if (!answer.ok) throw errorFrom(await answer.json().catch(() => null), answer.status)
    return answer
  }
  const json = async <T>(method: string, path: string, body: object | null, options?: CallOptions): Promise<T> =>
    (await (await call(method, path, body, options)).json()) as T

  async function* events(path: string, body: object, options?: CallOptions): AsyncGenerator {
    const answer = await call('POST', path, { ...body, stream: true }, options)
    for await (const event of readEvents(answer.body as ReadableStream<Uint8Array>)) {
      if ((event as { error?: unknown }).error) throw errorFrom(event, null)
      yield event
    }
  }

  return {
    responses: {
      create: (request, options) => json('POST', '/v1/responses', request, options),
      async *stream(request, options) {
        for await (const event of events('/v1/responses', request, options)) {
          const { type, response } = event as { type: string; response: ResponseObject }
          if (type === 'response.failed') throw failureOf(response)
          yield event as ResponseEvent
        }
      },
      get: (id, options) => json('GET', `/v1/responses/${encodeURIComponent(id)}`, null, options),
      async inputItems(id, options) {
        const path = `/v1/responses/${encodeURIComponent(id)}/input_items?order=asc&limit=100`
        return (await json<{ data: readonly MessageItem[] }>('GET', path, null, options)).data
      },
      async delete(id, options) {
        await call('DELETE', `/v1/responses/${encodeURIComponent(id)}`, null, options)
      },
      connect: () => createConnection({ url, apiKey, WebSocket: WebSocket ?? ownWebSocket() }),
    },
    chat: {
      create: (request, options) => json('POST', '/v1/chat/completions', request, options),
      stream: (request, options) => events('/v1/chat/completions', request, options) as AsyncGenerator<ChatChunk>,
    },
    embed: (request, options) => json('POST', '/v1/embeddings', { ...request, encoding_format: 'float' }, options),
    memories: memoriesOf(json),
    conversations: conversationsOf(json),
    models: async (options) => (await json<{ data: readonly ModelObject[] }>('GET', '/v1/models', null, options)).data,
    version: (options) => json('GET', '/version', null, options),
  }
}

function ownWebSocket(): SocketConstructor {
  const { WebSocket } = globalThis as { WebSocket?: SocketConstructor }
  if (WebSocket) return WebSocket
  throw new MnemeError('This runtime has no WebSocket of its own: pass createClient that of the package ws.', {
    code: 'no_websocket',
  })
}

/** The address without what other clients want at its end. Throws MnemeError for what is no address. */
function baseOf(given: string): string {
  if (/^https?:\/\/./.test(given) && URL.canParse(given)) return given.replace(/\/+$/, '').replace(/\/v1$/, '')
  throw new MnemeError(`The server's address: expected http://HOST:PORT, got '${given}'.`, { code: 'invalid_url' })
}
