/** A line of tokens on its way through the engine: a turn's prompt, one of its replies, or a replay. */
import { PAGE_POSITIONS, type Checkpoint, type SessionState } from '../checkpoint.ts'
import type { FinishReason, Job, ReplayJob, TurnJob } from './messages.ts'
import type { Reply } from './reply.ts'
import type { Row } from './runner.ts'

/** Where a sequence's state is: in a row of the runner, or as bytes while it has none. */
interface Placed {
  row: Row | null
  parked: SessionState | null
}

/** A prompt that waits or is being prefilled. */
export interface PromptSequence extends Placed {
  readonly job: Job
  /** The parent's pending tokens, then the prompt's own. */
  readonly tokens: readonly number[]
  /** How many of `tokens` are pending tokens of the parent. */
  readonly carried: number
  prefilled: number
  /** Tokens that the engine had prefilled, for anybody, when this prompt came. */
  readonly arrival: number
}

/** A prefilled sequence that is fed its reply token by token. */
export interface DecodeSequence extends Placed {
  readonly job: Job
  readonly choice: number
  /** Tokens that the state has been fed. */
  position: number
  /** The tokens to be fed next: one, or several of a replay's call. */
  next: readonly number[]
  /** Tokens fed since the sequence got its row. */
  sincePlaced: number
  /** Of a turn; a replay has its tokens given. */
  readonly reply: Reply | null
  /** How often each token was generated, for penalties. */
  readonly counts: Map<number, number>
  readonly prompt: ReadonlySet<number>
  /** Of a replay: tokens and calls of its steps that have been fed. */
  fed: number
  calls: number
  /** Whether some of the reply's text has been sent. */
  told: boolean
  lastAt: number
  readonly intervals: number[]
}

/** The sequence of a job's prompt: what it adds to where it continues from. */
export function promptSequence(job: Job, prompt: readonly number[], arrival: number): PromptSequence {
  const pending = job.from?.pending ?? []
  return {
    job,
    tokens: [...pending, ...prompt],
    carried: pending.length,
    prefilled: 0,
    row: null,
    parked: job.from?.state ?? null,
    arrival,
  }
}

/** A choice of a prefilled prompt, before its first token. */
export function decodeSequence(prompt: PromptSequence, choice: number, reply: Reply | null): DecodeSequence {
  const { job, tokens, carried } = prompt
  return {
    job,
    choice,
    position: positionOf(prompt),
    next: [],
    sincePlaced: 0,
    reply,
    counts: new Map(),
    prompt: penalised(job) ? new Set(tokens.slice(carried)) : NO_TOKENS,
    fed: 0,
    calls: 0,
    told: false,
    lastAt: performance.now(),
    intervals: [],
    row: null,
    parked: null,
  }
}

/** Tokens that a prompt's state has been fed. */
export function positionOf({ job, prefilled }: PromptSequence): number {
  return (job.from?.position ?? 0) + prefilled
}

/** The first page that is not a whole page of the state that the job continues. */
export function firstOwnPage(job: Job): number {
  return Math.floor((job.from?.position ?? 0) / PAGE_POSITIONS)
}

/** The tokens of a replay's next call; empty when all have been fed. */
export function nextCall(job: ReplayJob, sequence: Pick<DecodeSequence, 'fed' | 'calls'>): readonly number[] {
  const length = job.calls === null ? 1 : (job.calls[sequence.calls] ?? 1)
  return job.steps.slice(sequence.fed, sequence.fed + length)
}

/**
 * The checkpoint of a finished sequence. A reply that did not end by itself is closed with the end token, so that the
 * next turn finds a well-formed conversation; that token, too, is fed only when the next turn comes.
 */
export function checkpointOf(
  sequence: DecodeSequence,
  state: SessionState,
  reason: FinishReason,
  eos: number | undefined,
): Checkpoint {
  const last = sequence.reply?.generated.at(-1)
  const pending = last === undefined ? [] : [last]
  if (last !== undefined && reason !== 'eos' && eos !== undefined) pending.push(eos)
  return { state, position: sequence.position, pending }
}

const NO_TOKENS: ReadonlySet<number> = new Set()

/** Only the repetition penalty looks at the prompt's tokens. */
function penalised(job: Job): job is TurnJob {
  return job.kind === 'turn' && job.sampling.repetitionPenalty !== 1
}
