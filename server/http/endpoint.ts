/** What an endpoint is. Routing, key checks, the API's description and the tests of refusals follow from this table. */
import type { z } from 'zod'
import type { Scope } from '../keys-file.ts'
import type { RequestContext } from './context.ts'

export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** In Hono's spelling: `/v1/responses/:id`. */
  readonly path: string
  /** One line for the API's description. */
  readonly summary: string
  /** The scope that a key needs; `public` needs no key. */
  readonly access: Scope | 'public'
  /** Answered while the server stops, when all others are refused with 503. */
  readonly whileStopping: boolean
  /** It is a WebSocket: a request without the upgrade is refused. */
  readonly socket?: boolean
  /** Of the JSON body. */
  readonly body?: z.ZodType
  /** Of a body of multipart/form-data. */
  readonly form?: z.ZodType
  readonly query?: z.ZodType
  readonly answer: (c: RequestContext) => Response | Promise<Response>
}
