/** A response while it grows: the object, and the events of the streaming specification in their order. */
import type { Resumed } from '../base.ts'
import type { TokenLogprob, TokenText } from '../engine/messages.ts'
import type { Sampling } from '../engine/sampler.ts'
import type { ApiError } from './errors.ts'
import type { HeldReply } from './held-replies.ts'
import { JsonList } from './json-text.ts'
import { messageIdOf } from './response-input.ts'
import type { ResponseRequest } from './responses-schema.ts'
import { tokenString } from './token-string.ts'

export interface Frame {
  readonly type: string
  readonly sequence_number: number
  readonly [field: string]: unknown
}

export type ResponseObject = Record<string, unknown> & { readonly id: string; readonly status: string }

/** Counts of a finished turn. */
export interface Usage {
  /** Tokens that the previous state had been fed. */
  readonly saved: number
  /** Tokens fed before the reply: left over from the last turn, and the prompt. */
  readonly computed: number
  readonly generated: number
  /** Tokens of the conversation that were left out because it had become too long. */
  readonly truncated: number
  readonly stateBytes: number
  /** Where the state of the turn before came from; null for a first turn. */
  readonly resumed: Resumed | null
}

export interface ResponseHead {
  readonly id: string
  readonly createdAt: number
  readonly model: string
  readonly bundle: string
  readonly request: ResponseRequest
  readonly sampling: Sampling
  readonly stored: boolean
}

interface LogprobEntry {
  readonly token: string
  readonly bytes: number[]
  readonly logprob: number
}

export class ResponseWriter {
  readonly #head: ResponseHead
  readonly #held: HeldReply
  readonly #item: string
  #sequence = 0
  #text = ''
  readonly #logprobs = new JsonList()

  /** What is kept of the reply is counted into `held`. */
  constructor(head: ResponseHead, held: HeldReply) {
    this.#head = head
    this.#held = held
    this.#item = messageIdOf(head.id)
  }

  begin(): Frame[] {
    const response = this.#object('in_progress', {})
    return [this.#frame('response.created', { response }), this.#frame('response.in_progress', { response })]
  }

  /** Our own event: so many tokens of the prompt have been computed. */
  progress(prefilled: number, total: number): Frame {
    return this.#frame('mneme:progress', { prefilled, total })
  }

  /** The message and its one part begin. */
  open(): Frame[] {
    const item = { id: this.#item, type: 'message', status: 'in_progress', role: 'assistant', content: [] }
    const part = { type: 'output_text', text: '', annotations: [], logprobs: [] }
    return [
      this.#frame('response.output_item.added', { output_index: 0, item }),
      this.#frame('response.content_part.added', { ...this.#place(), part }),
    ]
  }

  delta(text: string, tokens: readonly TokenLogprob[]): Frame[] {
    this.#held.add(text.length)
    this.#text += text
    const logprobs = tokens.map(entryOf)
    for (const entry of logprobs) this.#held.add(this.#logprobs.push(entry))
    return [this.#frame('response.output_text.delta', { ...this.#place(), delta: text, logprobs })]
  }

  /** The message ends. */
  close(incomplete: boolean): Frame[] {
    const item = this.#message(incomplete ? 'incomplete' : 'completed')
    return [
      this.#frame('response.output_text.done', { ...this.#place(), text: this.#text, logprobs: this.#logprobs }),
      this.#frame('response.content_part.done', { ...this.#place(), part: this.#part() }),
      this.#frame('response.output_item.done', { output_index: 0, item }),
    ]
  }

  /** The finished response; `output` false: it only read its input. */
  finished(incomplete: boolean, output: boolean, usage: Usage, completedAt: number): ResponseObject {
    const { saved, computed, generated } = usage
    return this.#object(incomplete ? 'incomplete' : 'completed', {
      completed_at: incomplete ? null : completedAt,
      incomplete_details: incomplete ? { reason: 'max_output_tokens' } : null,
      output: output ? [this.#message(incomplete ? 'incomplete' : 'completed')] : [],
      usage: {
        input_tokens: saved + computed,
        input_tokens_details: { cached_tokens: saved, cache_write_tokens: 0 },
        output_tokens: generated,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: saved + computed + generated,
        mneme: memoryUsage(usage),
      },
    })
  }

  /** The last event of a response that was finished. */
  end(response: ResponseObject): Frame {
    return this.#frame(`response.${response.status}`, { response })
  }

  /** The last event of one that was not. */
  fail(error: ApiError): Frame {
    const { code, message } = error
    return this.#frame('response.failed', { response: this.#object('failed', { error: { code, message } }) })
  }

  #object(status: string, changes: Record<string, unknown>): ResponseObject {
    const { id, createdAt, model, bundle, request, sampling, stored } = this.#head
    return {
      id,
      object: 'response',
      created_at: createdAt,
      completed_at: null,
      status,
      background: false,
      error: null,
      incomplete_details: null,
      instructions: request.instructions ?? null,
      max_output_tokens: request.max_output_tokens ?? null,
      max_tool_calls: null,
      metadata: request.metadata ?? {},
      model,
      output: [],
      parallel_tool_calls: true,
      previous_response_id: request.previous_response_id ?? null,
      reasoning: { effort: null, summary: null },
      service_tier: 'default',
      store: stored,
      temperature: sampling.temperature,
      text: { format: { type: 'text' } },
      tool_choice: 'auto',
      tools: [],
      top_logprobs: request.top_logprobs ?? 0,
      top_p: sampling.topP,
      truncation: request.truncation ?? 'disabled',
      frequency_penalty: sampling.frequencyPenalty,
      presence_penalty: sampling.presencePenalty,
      safety_identifier: labelOf(request.safety_identifier),
      prompt_cache_key: labelOf(request.prompt_cache_key),
      user: labelOf(request.user),
      usage: null,
      mneme: { seed: sampling.seed, bundle },
      ...changes,
    }
  }

  #message(status: string): Record<string, unknown> {
    return { id: this.#item, type: 'message', status, role: 'assistant', content: [this.#part()] }
  }

  #part(): Record<string, unknown> {
    return { type: 'output_text', text: this.#text, annotations: [], logprobs: this.#logprobs }
  }

  #place(): Record<string, unknown> {
    return { item_id: this.#item, output_index: 0, content_index: 0 }
  }

  #frame(type: string, fields: Record<string, unknown>): Frame {
    return { type, sequence_number: this.#sequence++, ...fields }
  }
}

function labelOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

/** A token as OpenAI's log-probability lists have it. */
export function entryOf(token: TokenLogprob): LogprobEntry & { top_logprobs: LogprobEntry[] } {
  return { ...logprobEntry(token), top_logprobs: token.top.map(logprobEntry) }
}

function logprobEntry({ bytes, logprob }: TokenText): LogprobEntry {
  return { token: tokenString(bytes), bytes: [...bytes], logprob }
}

/** What memory saved and cost. Tokens replayed are counted beside those computed for this turn. */
function memoryUsage({ saved, computed, generated, truncated, stateBytes, resumed }: Usage): Record<string, unknown> {
  return {
    tokens_computed: computed + generated,
    tokens_saved: saved,
    tokens_truncated: truncated,
    state_bytes: stateBytes,
    resumed_from: resumed?.tier ?? null,
    tokens_replayed: resumed?.replayed ?? 0,
    rebuilt: resumed?.rebuilt ?? null,
  }
}
