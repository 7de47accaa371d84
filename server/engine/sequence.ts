/** A line of tokens on its way through the engine: a turn's prompt, one of its replies, or a replay. */
import { PAGE_POSITIONS, type Checkpoint, type SessionState } from '../checkpoint.ts'
import { Drafter } from './drafter.ts'
import { ExitDrafter, type MeasuredExit } from './exit-drafter.ts'
import type { FinishReason, Job, ReplayJob, TurnJob } from './messages.ts'
import { addCalls, BESIDE, callAfter, callEnd, lastMessageEnd, tokensOf, type CallRuns } from './prefill-calls.ts'
import type { Reply } from './reply.ts'
import type { Row } from './runner.ts'

/** A prompt that waits or is being prefilled. */
export interface PromptSequence {
  readonly job: Job
  /** The parent's pending tokens, then the prompt's own. */
  readonly tokens: readonly number[]
  /** How many of `tokens` are pending tokens of the parent. */
  readonly carried: number
  /** How many of `tokens` had been fed when the job began. */
  readonly cached: number
  prefilled: number
  /** The calls that have fed tokens. */
  readonly calls: number[]
  readonly messageEnds: ReadonlySet<number>
  /** Where the last message ends; 0 where that is not known. */
  readonly lastMessageEnd: number
  /** Position of the last state that was handed out, or that the prompt began with. */
  snapshotAt: number
  /** Tokens that the engine had prefilled, for anybody, when this prompt came. */
  readonly arrival: number
  /** Null until it begins, and once a reply has taken it over. */
  row: Row | null
}

/** A prefilled sequence that is fed its reply token by token. */
export interface DecodeSequence {
  readonly job: Job
  readonly row: Row
  readonly choice: number
  /** Tokens that the state has been fed. */
  position: number
  /** The tokens to be fed next: one, or several of a replay's call or of a draft that was rejected in part. */
  next: readonly number[]
  readonly drafter: Drafter | null
  readonly exit: ExitDrafter | null
  /** Why the reply is over, while tokens of it have still to be fed for its state's sake. */
  ending: FinishReason | null
  /** Tokens fed since the sequence got its row. */
  sincePlaced: number
  /** Of a turn; a replay has its tokens given. */
  readonly reply: Reply | null
  /** How often each token was generated, for penalties. */
  readonly counts: Map<number, number>
  readonly prompt: ReadonlySet<number>
  /** The calls that fed the prompt. */
  readonly prefillCalls: CallRuns
  /** Position of the last state that was handed out of the prompt. */
  readonly snapshotAt: number
  /** Tokens that have been fed since the prompt, by how many calls, and of which lengths. */
  fed: number
  calls: number
  readonly callRuns: number[]
  /** Whether some of the reply's text has been sent. */
  told: boolean
  lastAt: number
  readonly intervals: number[]
}

/** The sequence of a job's prompt: what it adds to where it continues from. */
export function promptSequence(job: Job, prompt: readonly number[], arrival: number): PromptSequence {
  const pending = job.from?.pending ?? []
  const whole = job.kind === 'turn' ? job.whole : null
  const cached = whole?.cached ?? 0
  const messageEnds = new Set(whole?.messageEnds)
  return {
    job,
    tokens: [...pending, ...prompt],
    carried: pending.length,
    cached,
    prefilled: cached,
    calls: [],
    messageEnds,
    lastMessageEnd: lastMessageEnd(prompt, messageEnds),
    snapshotAt: cached,
    row: null,
    arrival,
  }
}

/** A choice of a prefilled prompt, before its first token. */
export function decodeSequence(
  prompt: PromptSequence,
  row: Row,
  choice: number,
  reply: Reply | null,
  exit: MeasuredExit | undefined,
): DecodeSequence {
  const { job, tokens, carried, calls, snapshotAt } = prompt
  return {
    job,
    row,
    choice,
    position: positionOf(prompt),
    next: [],
    drafter: job.kind === 'turn' && job.drafts ? new Drafter(job.drafts, tokens) : null,
    exit: exit ? exitDrafterOf(job, exit) : null,
    ending: null,
    sincePlaced: 0,
    reply,
    counts: new Map(),
    prompt: penalised(job) ? new Set(tokens.slice(carried)) : NO_TOKENS,
    prefillCalls: calls,
    snapshotAt,
    fed: 0,
    calls: 0,
    callRuns: [],
    told: false,
    lastAt: performance.now(),
    intervals: [],
  }
}

/** Without a word of the request, an exit drafts where n-grams do, and where it pays. */
function exitDrafterOf(job: Job, exit: MeasuredExit): ExitDrafter | null {
  if (job.kind !== 'turn') return null
  const asked = job.exit ?? (exit.pays && job.drafts !== null)
  if (asked === false) return null
  return new ExitDrafter(exit, asked === true ? null : asked)
}

/** Tokens that a prompt's state has been fed. */
export function positionOf({ job, prefilled, cached }: PromptSequence): number {
  return (job.from?.position ?? 0) + prefilled - cached
}

/** Tokens of a reply that memory is set aside for with its prompt: few replies grow beyond it while they begin. */
const REPLY_ROOM = 128

/** Tokens that a prompt's sequence is going to have, with the beginning of its reply. */
export function tokensAhead(prompt: PromptSequence): number {
  const { job, tokens, prefilled } = prompt
  const reply = job.kind === 'turn' ? Math.min(job.maxTokens, REPLY_ROOM) : job.steps.length
  return positionOf(prompt) + tokens.length - prefilled + reply
}

/** Whether the state after the job is wanted. */
export function keeps(job: Job): boolean {
  return job.kind === 'replay' || job.keep
}

/** The first page that is not a whole page of the conversation that the job continues. */
export function firstOwnPage(job: Job): number {
  if (job.kind === 'turn' && job.whole) return 0
  return firstPageAfter(job.from?.position ?? 0)
}

/** The first page that is not whole in a state that has been fed `position` tokens. */
export function firstPageAfter(position: number): number {
  return Math.floor(position / PAGE_POSITIONS)
}

/** How many tokens the next call of a prompt feeds. It depends on this job only, so a replay makes the same calls. */
export function nextPrefill({ job, tokens, prefilled, cached, messageEnds }: PromptSequence): number {
  if (job.kind === 'replay' && job.prefillCalls)
    return tokensOf(callAfter(job.prefillCalls, prefilled)) || job.prefillChunk
  // The end token of a reply that goes before is not worth a call of its own.
  const earliest = job.kind === 'turn' && job.whole?.afterReply ? cached + LEAST_AFTER_REPLY : 0
  return callEnd(tokens, prefilled, job.prefillChunk, messageEnds, earliest) - prefilled
}

/** Whether the next call of a replayed prompt was one token beside those of other sequences. */
export function isNextPrefillBeside({ job, prefilled }: PromptSequence): boolean {
  return job.kind === 'replay' && job.prefillCalls !== null && callAfter(job.prefillCalls, prefilled) === BESIDE
}

/** The next call of a prompt has fed `length` tokens. */
export function countPrefill(prompt: PromptSequence, length: number): void {
  addCalls(prompt.calls, length, 1)
}

/** The tokens of a replay's next call; empty when all have been fed. */
export function nextCall(job: ReplayJob, sequence: Pick<DecodeSequence, 'fed' | 'calls'>): readonly number[] {
  return job.steps.slice(sequence.fed, sequence.fed + tokensOf(callOf(job, sequence)))
}

/** The length of a replay's next call, or BESIDE. */
export function callOf(job: ReplayJob, { calls }: Pick<DecodeSequence, 'calls'>): number {
  return job.calls === null ? 1 : (job.calls[calls] ?? 1)
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

/** Tokens from the state after a reply to the first place where a call may end for a message's sake. */
const LEAST_AFTER_REPLY = 4

const NO_TOKENS: ReadonlySet<number> = new Set()

/** Only the repetition penalty looks at the prompt's tokens. */
function penalised(job: Job): job is TurnJob {
  return job.kind === 'turn' && job.sampling.repetitionPenalty !== 1
}
