/** What the HTTP thread and an engine thread say to each other. Nothing here knows OpenAI's formats. */
import type { ReplyFormat } from '../../runtime/reply/reply-format.ts'
import type { Json, Message, Tool } from '../../runtime/text.ts'
import type { Checkpoint, Gates, SessionState } from '../checkpoint.ts'
import type { DraftCounts, DraftOptions } from './drafter.ts'
import type { ExitCounts } from './exit-drafter.ts'
import type { CallRuns } from './prefill-calls.ts'
import type { Sampling } from './sampler.ts'

export type Prompt =
  | { readonly kind: 'ids'; readonly ids: readonly number[] }
  | { readonly kind: 'text'; readonly text: string }
  /** A text as a reply has it, without the tokens that a prompt begins with. */
  | { readonly kind: 'reply'; readonly text: string }
  | ChatPrompt

export interface ChatPrompt {
  readonly kind: 'chat'
  readonly messages: readonly Message[]
  readonly generate: boolean
  /** Functions that the model is told of. */
  readonly tools?: readonly Tool[]
  /** Variables of the chat template. */
  readonly variables?: Readonly<Record<string, Json>>
  /** What the reply has to begin with, its tokens marked: read after the prompt. */
  readonly opening?: string
  /** A reply that has been made already, as its tokens or its text: read after the prompt. */
  readonly reply?: readonly number[] | string
}

/** How a reply's text tells of tokens that have a meaning. */
export interface ReplyMarks {
  /** Tokens that stand in the text, marked, with their ids. */
  readonly tokens: ReplyFormat['tokens']
  /** Ids of tokens that end the reply once they have been generated. */
  readonly last: readonly number[]
}

/** What every job has. */
interface JobBase {
  readonly id: number
  /** Who asked: the engine's time is shared fairly between owners. */
  readonly owner: string
  readonly from: Checkpoint | null
  /** Tokens of one prefill call, which decides the last bits of the state. */
  readonly prefillChunk: number
}

/**
 * How a prompt is computed that begins its conversation. Its calls end where messages end, so that a state which is kept
 * from there has the bits that any prompt with the same beginning would make.
 */
export interface WholePrompt {
  /** Ids that end a message. */
  readonly messageEnds: readonly number[]
  /** Tokens of the prompt that the state in `from` has been fed already; 0 without one. */
  readonly cached: number
  /** The state in `from` has been fed a reply, up to the token before its last. */
  readonly afterReply: boolean
  /** Hand out states where the next prompt is likely to part. */
  readonly snapshots: boolean
}

/** One request and its `choices` replies: a pure function of these fields and the bundle. */
export interface TurnJob extends JobBase {
  readonly kind: 'turn'
  /** Null: the prompt follows the conversation in `from`. */
  readonly whole: WholePrompt | null
  readonly sampling: Sampling
  readonly choices: number
  readonly maxTokens: number
  readonly stop: readonly string[]
  /** Null: every token is computed by a call of its own. */
  readonly drafts: DraftOptions | null
  /**
   * What the exit of the early stage does: false: nothing; true: it drafts; a number: it decides tokens by itself where the
   * margin between the two likeliest is above such a threshold. Absent: it drafts where that was found to pay.
   */
  readonly exit?: boolean | number
  /** Log-probabilities of the prompt's own tokens, with so many alternatives. */
  readonly promptLogprobs: number | null
  /** Absent: special tokens have no text. */
  readonly marks?: ReplyMarks
  /** Return the checkpoint of each choice. */
  readonly keep: boolean
  /** What was decided for the turn and a replay needs: the bias of experts. Absent: nothing. */
  readonly gates?: Gates
}

/** Feeds what a stored turn was fed, with the identical schedule of calls: its state, bit for bit. */
export interface ReplayJob extends JobBase {
  readonly kind: 'replay'
  /** The calls that fed the prompt; null: calls of `prefillChunk`. */
  readonly prefillCalls: CallRuns | null
  /** Tokens that were sampled and fed. */
  readonly steps: readonly number[]
  /** How many of `steps` each call fed; null: one token a call. */
  readonly calls: readonly number[] | null
  readonly gates: Gates
}

export type Job = TurnJob | ReplayJob

export type ToEngine =
  /** A job and its prompt's token ids, which have been checked. */
  | { readonly kind: 'job'; readonly job: Job; readonly prompt: readonly number[] }
  | { readonly kind: 'cancel'; readonly id: number }
  /** Memory of an owner's sequences that have ended is to be given back. */
  | { readonly kind: 'forget'; readonly owner: string }
  | { readonly kind: 'close' }

export interface TokenText {
  /** UTF-8; of a character that several tokens make, a token's share. */
  readonly bytes: readonly number[]
  readonly logprob: number
}

export interface TokenLogprob extends TokenText {
  readonly id: number
  readonly top: readonly TokenText[]
}

/** A prompt's first token: nothing predicts it. */
export interface FirstToken {
  readonly id: number
  readonly bytes: readonly number[]
  readonly logprob: null
  readonly top: readonly []
}

export type FinishReason = 'eos' | 'stop' | 'length'

export interface ModelInfo {
  readonly vocab: number
  /** Bytes of the fixed part of one state. */
  readonly stateBytes: number
  /** Sequences that decode together. */
  readonly rows: number
  readonly prefillChunk: number
  readonly runtime: string
  /** What its replies are made of. */
  readonly format: ReplyFormat
  /** Layers before the exit of its early stage; null where it has none. */
  readonly exitAfter: number | null
  /** Whether it drafts unless asked not to. */
  readonly exitPays: boolean
  /** Experts of its routers, if a turn may set a bias for them; 0 otherwise. */
  readonly experts: number
}

export type FromEngine =
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  | { readonly kind: 'unusable'; readonly message: string }
  /** What one or several steps have to say, in order. */
  | { readonly kind: 'events'; readonly events: readonly EngineEvent[] }

/** What the engine says of a job. */
export type EngineEvent =
  | { readonly kind: 'started'; readonly id: number }
  /** So many of the tokens that come before the reply have been computed. */
  | { readonly kind: 'progress'; readonly id: number; readonly prefilled: number; readonly total: number }
  | { readonly kind: 'prompt-logprobs'; readonly id: number; readonly tokens: readonly (TokenLogprob | FirstToken)[] }
  | TextEvent
  | SnapshotEvent
  | DoneEvent
  | ErrorEvent

/** The prompt has been tokenized and fits; it waits for the engine. */
export interface AcceptedEvent {
  readonly kind: 'accepted'
  readonly id: number
  /** What the model is fed. */
  readonly prompt: readonly number[]
  /** The prompt's text, of a prompt of text or ids. */
  readonly promptText: string
  /** What a kept prefix saves; null where none was found. */
  readonly prefix: UsedPrefix | null
  /** The prompt ends within reasoning that it has begun. */
  readonly inReasoning: boolean
}

export interface UsedPrefix {
  /** Tokens of the prompt that are not computed. */
  readonly cached: number
  /** The calls that have computed them. */
  readonly calls: CallRuns
  readonly tier: 'memory' | 'disk'
  /** Seconds that it took to get. */
  readonly seconds: number
}

export interface TextEvent {
  readonly kind: 'text'
  readonly id: number
  readonly choice: number
  /** The first text of its reply: it never waits. */
  readonly first: boolean
  readonly text: string
  /** The tokens that this text was made of; empty unless log-probabilities were asked for. */
  readonly tokens: TokenLogprob[]
}

/** A copy of a state that a later prompt may go on from. */
export interface SnapshotEvent {
  readonly kind: 'snapshot'
  readonly id: number
  /** The reply whose state it is; null: of the prompt. */
  readonly choice: number | null
  /** Tokens that the state has been fed: of the prompt, then of the reply. */
  readonly position: number
  /** The calls that have fed them since the job began. */
  readonly calls: CallRuns
  /** Its first page is the first that is not a whole page of the prompt's snapshot before it, or of `from`. */
  readonly state: SessionState
}

export interface DoneEvent {
  readonly kind: 'done'
  readonly id: number
  readonly choice: number
  readonly reason: FinishReason
  readonly generated: readonly number[]
  /** The token that ended the reply, which has no text; null unless there is one and log-probabilities were asked for. */
  readonly end: TokenLogprob | null
  /** Null unless it was asked for. */
  readonly checkpoint: Checkpoint | null
  /** The calls that have fed the prompt since the job began; null unless it began its conversation. */
  readonly prefillCalls: CallRuns | null
  /** How many of the generated tokens each call fed; null: one token a call. */
  readonly calls: readonly number[] | null
  readonly gates: Gates
  /** What became of its drafts; null where it had none. */
  readonly drafts: DraftCounts | null
  /** What became of its exits; null where it had none. */
  readonly exits: ExitCounts | null
  /** Milliseconds from one token to the next. */
  readonly intervals: readonly number[]
}

/** The job is over. `code` says whose fault it was: the request's (`prompt_*`) or ours (`engine_*`). */
export interface ErrorEvent {
  readonly kind: 'error'
  readonly id: number
  readonly code: ErrorCode
  readonly message: string
}

export type ErrorCode =
  | 'prompt_empty'
  | 'prompt_too_long'
  | 'prompt_token_invalid'
  | 'prompt_refused'
  | 'engine_failed'
  /** The model could not be loaded. */
  | 'engine_not_loaded'
  | 'engine_non_finite'
  /** Too much of the reply waits for whoever asked for it. */
  | 'reader_too_slow'
