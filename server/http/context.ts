/** What the middleware puts into a request for the endpoints, and how they answer. */
import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import type { WebSocket } from 'ws'
import type { Holder } from '../keys.ts'

/** A WebSocket handshake in progress. An endpoint that takes it sets `accept`. */
export interface Upgrade {
  accept: ((socket: WebSocket) => void) | null
}

export interface Env {
  Variables: { holder: Holder; requestId: string }
  /** `upgrade` is there if the request wants to become a WebSocket. */
  Bindings: Partial<HttpBindings> & { readonly upgrade?: Upgrade }
}

export type App = Hono<Env>
export type RequestContext = Context<Env>

/** The tenant that a request is for: everything stored is asked for by it. */
export const ownerOf = (c: RequestContext): string => c.get('holder').owner
