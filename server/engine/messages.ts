/** What the HTTP thread and an engine thread say to each other. Nothing here knows OpenAI's formats. */
import type { Message } from '../../runtime/text.ts'
import type { Sampling } from './sampler.ts'

/** What a turn is continued from and what it leaves: the model's rolling state, and tokens it has not been fed yet. */
export interface Checkpoint {
  /** All state tensors of the manifest, in its order, as raw bytes. */
  readonly state: Uint8Array
  /** Tokens that the state has been fed. */
  readonly position: number
  /** Sampled but not fed yet: fed at the beginning of the next turn. */
  readonly pending: readonly number[]
}

export type Prompt =
  | { readonly kind: 'ids'; readonly ids: readonly number[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'chat'; readonly messages: readonly Message[]; readonly generate: boolean }

/** One request and its `choices` replies: a pure function of these fields and the bundle. */
export interface TurnJob {
  readonly kind: 'turn'
  readonly id: number
  /** Who asked: waiting and prefilling are shared fairly between owners. */
  readonly owner: string
  readonly prompt: Prompt
  readonly from: Checkpoint | null
  readonly sampling: Sampling
  readonly choices: number
  readonly maxTokens: number
  readonly stop: readonly string[]
  /** Log-probabilities of the prompt's own tokens, with so many alternatives. */
  readonly promptLogprobs: number | null
  /** Return the checkpoint of each choice. */
  readonly keep: boolean
}

/** Feeds what a stored turn was fed, with the identical schedule of calls: its state, bit for bit. */
export interface ReplayJob {
  readonly kind: 'replay'
  readonly id: number
  readonly owner: string
  readonly from: Checkpoint | null
  readonly prompt: readonly number[]
  /** Tokens that were sampled and fed one by one. */
  readonly steps: readonly number[]
}

export type Job = TurnJob | ReplayJob
export type ToEngine = Job | { readonly kind: 'cancel'; readonly id: number } | { readonly kind: 'close' }

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
  readonly stateBytes: number
  readonly rows: number
  readonly runtime: string
}

export type FromEngine =
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  | { readonly kind: 'unusable'; readonly message: string }
  /** The prompt fits and waits for its turn. */
  | { readonly kind: 'accepted'; readonly id: number; readonly prompt: readonly number[]; readonly promptText: string }
  | { readonly kind: 'started'; readonly id: number }
  /** So many of the tokens that come before the reply have been computed. */
  | { readonly kind: 'progress'; readonly id: number; readonly prefilled: number; readonly total: number }
  | { readonly kind: 'prompt-logprobs'; readonly id: number; readonly tokens: readonly (TokenLogprob | FirstToken)[] }
  | TextEvent
  | DoneEvent
  | ErrorEvent

export interface TextEvent {
  readonly kind: 'text'
  readonly id: number
  readonly choice: number
  readonly text: string
  /** The tokens that this text was made of; empty unless log-probabilities were asked for. */
  readonly tokens: TokenLogprob[]
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
  /** Milliseconds from one token to the next. */
  readonly intervals: readonly number[]
}

/** The job is over. `code` says whose fault it was: the request's (`prompt_*`) or ours (`engine_*`). */
export interface ErrorEvent {
  readonly kind: 'error'
  readonly id: number
  readonly code:
    | 'prompt_empty'
    | 'prompt_too_long'
    | 'prompt_token_invalid'
    | 'prompt_refused'
    | 'engine_failed'
    | 'engine_non_finite'
  readonly message: string
}
