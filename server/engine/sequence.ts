/** One line of tokens on its way through the engine: a turn's prompt, one of its replies, or a replay. */
import type { Checkpoint, FinishReason, ReplayJob, TurnJob } from './messages.ts'
import type { Reply } from './reply.ts'
import type { Lane } from './runner.ts'

/** A prompt that waits or is being fed. */
export interface Feeding {
  readonly job: TurnJob | ReplayJob
  /** Parent's pending tokens, then the prompt's own. */
  readonly feed: readonly number[]
  /** How many of `feed` are pending tokens of the parent. */
  readonly carried: number
  fed: number
  lane: Lane | null
}

/** A row of the batch, or one that waits for a row: everything fed, one token to go on with. */
export interface Line {
  readonly job: TurnJob | ReplayJob
  readonly choice: number
  /** Tokens that the state has been fed. */
  position: number
  /** The token to be fed next. */
  next: number
  /** State while there is no row for it. */
  parked: Uint8Array | null
  /** Of a turn; a replay has its tokens given. */
  readonly reply: Reply | null
  readonly counts: Map<number, number>
  readonly prompt: ReadonlySet<number>
  stepped: number
  lastAt: number
  readonly intervals: number[]
}

/** The feeding of a job: what its prompt adds to where it continues from. */
export function feedingOf(job: TurnJob | ReplayJob, prompt: readonly number[]): Feeding {
  const pending = job.from?.pending ?? []
  return { job, feed: [...pending, ...prompt], carried: pending.length, fed: 0, lane: null }
}

/** A choice of a fed prompt, before its first token. */
export function lineOf(feeding: Feeding, choice: number, reply: Reply | null): Line {
  const position = (feeding.job.from?.position ?? 0) + feeding.feed.length
  return {
    job: feeding.job,
    choice,
    position,
    next: -1,
    parked: null,
    reply,
    counts: new Map(),
    prompt: new Set(feeding.feed.slice(feeding.carried)),
    stepped: 0,
    lastAt: performance.now(),
    intervals: [],
  }
}

/**
 * The checkpoint of a finished line. A reply that did not end by itself is closed with the end token, so that the
 * next turn finds a well-formed conversation; that token, too, is fed only when the next turn comes.
 */
export function checkpointOf(line: Line, state: Uint8Array, reason: FinishReason, eos: number | undefined): Checkpoint {
  const last = line.reply?.generated.at(-1)
  const pending = last === undefined ? [] : [last]
  if (last !== undefined && reason !== 'eos' && eos !== undefined) pending.push(eos)
  return { state, position: line.position, pending }
}
