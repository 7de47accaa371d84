/** Conversations that a mneme server has stored: their shape, and the calls. */
import type { CallOptions } from './call-options.ts'

/** Times are seconds since 1970. */
export interface ConversationObject {
  readonly id: string
  readonly created_at: number
  readonly updated_at: number
  /** Null before its first turn, as `last_response_id`. */
  readonly model: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** Responses of all its branches. */
  readonly responses: number
  /** Where its next turn goes on. */
  readonly last_response_id: string | null
  /** Tokens that the memory of its last response has read. */
  readonly tokens: number
}

export interface ConversationList {
  readonly limit?: number
  /** Id of a conversation: those whose last turn is earlier. */
  readonly after?: string
}

export interface Conversations {
  /** The one with the latest turn first. */
  list(
    list?: ConversationList,
    options?: CallOptions,
  ): Promise<{ readonly data: readonly ConversationObject[]; readonly has_more: boolean }>
  /** An empty one; name it by `conversation` in the requests of its turns. */
  create(metadata?: Readonly<Record<string, string>>, options?: CallOptions): Promise<ConversationObject>
  get(id: string, options?: CallOptions): Promise<ConversationObject>
  /** Deletes all its responses and what was taken from them. */
  delete(id: string, options?: CallOptions): Promise<void>
}

type Json = <T>(method: string, path: string, body: object | null, options?: CallOptions) => Promise<T>

/** The calls over what sends a request and reads its JSON. */
export function conversationsOf(json: Json): Conversations {
  const path = (id: string): string => `/v1/conversations/${encodeURIComponent(id)}`
  return {
    list({ limit = 20, after } = {}, options) {
      const query = new URLSearchParams({ limit: String(limit), ...(after === undefined ? {} : { after }) })
      return json('GET', `/v1/conversations?${query.toString()}`, null, options)
    },
    create: (metadata = {}, options) => json('POST', '/v1/conversations', { metadata }, options),
    get: (id, options) => json('GET', path(id), null, options),
    async delete(id, options) {
      await json('DELETE', path(id), null, options)
    },
  }
}
