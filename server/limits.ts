/** How much the server takes from one client and from all of them. Every limit is here, with its reason. */
import type { Config } from './config.ts'

export interface Limits {
  /** Bytes of a body or WebSocket message, after decompression. */
  readonly bodyBytes: number
  readonly connections: number
  /** Requests in flight and WebSockets of one owner, where keys are required. */
  readonly connectionsPerOwner: number
  readonly keepAliveMs: number
  /** A connection with output waiting that takes none of it for so long is closed. */
  readonly stallMs: number
  /** Requests that a connection may send before it has read the answers; nothing in use today sends more than one. */
  readonly pipelined: number
  /** Bytes of one reply that are held until it is complete: its text and log-probabilities. */
  readonly replyBytes: number
  /** The same of all replies together. */
  readonly allReplyBytes: number
  /** Bytes of the states of responses with `store: false`, of all WebSockets together. */
  readonly localStateBytes: number
  /** Tokens of a draft of a reply; 0: there are none. */
  readonly draftTokens: number
}

const MIB = 1024 * 1024

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: MIB,
  connections: 1024,
  connectionsPerOwner: 256,
  keepAliveMs: 75_000,
  stallMs: 30_000,
  pipelined: 16,
  replyBytes: 32 * MIB,
  allReplyBytes: 256 * MIB,
  localStateBytes: 256 * MIB,
  draftTokens: 15,
}

/** Of a memory budget, this part may hold the states of WebSockets while nothing is computed with them. */
const LOCAL_STATE_SHARE = 1 / 16

function localStateBytes({ memory }: Config): number {
  const share = memory === undefined ? Infinity : Math.floor(memory * LOCAL_STATE_SHARE)
  return Math.min(DEFAULT_LIMITS.localStateBytes, share)
}

/** The same for the prefix cache where it has no limit of its own. */
const PREFIX_SHARE = 1 / 8

/** Bytes of the states in the prefix cache; 0: there is none. */
export function prefixCacheBytes({ memory, prefixCache }: Config): number {
  const share = memory === undefined ? Infinity : Math.floor(memory * PREFIX_SHARE)
  return prefixCache ?? Math.min(256 * MIB, share)
}

/** The limits of a configuration: what it does not set has its default. */
export function limitsOf(config: Config): Limits {
  return {
    ...DEFAULT_LIMITS,
    bodyBytes: config.maxBody,
    connections: config.maxConnections,
    connectionsPerOwner: config.maxConnectionsPerKey,
    keepAliveMs: config.keepAlive * 1000,
    localStateBytes: localStateBytes(config),
    draftTokens: config.draftMax,
  }
}
