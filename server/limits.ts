/** How much the server takes from one client and from all of them. Every limit is here, with its reason. */
import { totalmem } from 'node:os'
import type { Config } from './config.ts'

export interface Limits {
  /** Bytes of a body or WebSocket message, after decompression. */
  readonly bodyBytes: number
  /** Bytes of an upload: a file with its form. It is held in memory while it is read. */
  readonly fileBytes: number
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
  fileBytes: 32 * MIB,
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

/** The same for states between turns where they have no limit of their own; without a budget, of the machine's memory. */
const CACHE_SHARE = 1 / 8

/** Bytes of memory for states between turns. */
export interface CacheBytes {
  /** Copies of them, which prompts and responses go on from. */
  readonly states: number
  /** Keys and values that stay where engines compute with them, of all models together. */
  readonly resident: number
}

/** Half of the memory for each kind; 0: nothing is kept. */
export function cacheBytes({ memory, prefixCache }: Config): CacheBytes {
  const half = Math.floor((prefixCache ?? (memory ?? machineMemory()) * CACHE_SHARE) / 2)
  return { states: half, resident: half }
}

/** Bytes of memory that this process may use: a container's limit is below the machine's memory. */
function machineMemory(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

/** The limits of a configuration: what it does not set has its default. */
export function limitsOf(config: Config): Limits {
  return {
    ...DEFAULT_LIMITS,
    bodyBytes: config.maxBody,
    fileBytes: Math.max(DEFAULT_LIMITS.fileBytes, config.maxBody),
    connections: config.maxConnections,
    connectionsPerOwner: config.maxConnectionsPerKey,
    keepAliveMs: config.keepAlive * 1000,
    localStateBytes: localStateBytes(config),
    draftTokens: config.draftMax,
  }
}
