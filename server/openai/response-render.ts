/** A response while it grows: the object, and the events of the streaming specification in their order. */
import type { Resumed } from '../base.ts'
import type { TokenLogprob } from '../engine/messages.ts'
import type { Sampling } from '../engine/sampler.ts'
import type { ApiError } from './errors.ts'
import type { HeldReply } from './held-replies.ts'
import type { Part, RejectedCall } from './reply-reader.ts'
import { itemIdOf } from './response-input.ts'
import type { SearchItem } from './file-search.ts'
import { ResponseOutput, type Cite, type OutputEvent } from './response-output.ts'
import type { ResponseRequest } from './responses-schema.ts'
import { verificationItem, withVerification, type Verification } from './verification.ts'

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
  /** Of those, the tokens of reasoning. */
  readonly reasoning: number
  /** Tokens of the conversation that were left out because it had become too long. */
  readonly truncated: number
  readonly stateBytes: number
  /** Where the state of the turn before came from; null for a first turn. */
  readonly resumed: Resumed | null
  /** Tokens that were read a second time, since the reply was made with notes. */
  readonly again: number
  /** What memories did; null where they were not looked at. */
  readonly memory: Record<string, unknown> | null
  /** What was decided for the turn, and by what; null where nothing was. */
  readonly gates: Record<string, unknown> | null
  /** What was found in files; null where it was not looked for. */
  readonly search: Record<string, unknown> | null
  /** What the critic found; null where nothing was checked. */
  readonly verification: Record<string, unknown> | null
  /** What early exits did; null where there were none. */
  readonly exits: Record<string, unknown> | null
}

export interface ResponseHead {
  readonly id: string
  readonly createdAt: number
  readonly model: string
  readonly bundle: string
  readonly request: ResponseRequest
  readonly sampling: Sampling
  readonly stored: boolean
  /** In a conversation that the request names: the response before it. */
  readonly follows: string | null
}

export class ResponseWriter {
  readonly #head: ResponseHead
  readonly #output: ResponseOutput
  #sequence = 0
  #verification: Verification | null = null

  /** What is kept of the reply is counted into `held`. */
  constructor(head: ResponseHead, held: HeldReply) {
    this.#head = head
    this.#output = new ResponseOutput(head.id, held)
  }

  begin(): Frame[] {
    const response = this.#object('in_progress', {})
    return [this.#frame('response.created', { response }), this.#frame('response.in_progress', { response })]
  }

  /** Our own event: so many tokens of the prompt have been computed. */
  progress(prefilled: number, total: number): Frame {
    return this.#frame('mneme:progress', { prefilled, total })
  }

  /** Our own event: what was decided for the turn. */
  gates(gates: Record<string, unknown>): Frame {
    return this.#frame('mneme:gates', { gates })
  }

  /** The reply goes on; `tokens` are what it was made of, if log-probabilities were asked for. */
  take(parts: readonly Part[], tokens: readonly TokenLogprob[]): Frame[] {
    return this.#frames(this.#output.take(parts, tokens))
  }

  /** A search that was made before the reply. */
  searched(item: SearchItem): Frame[] {
    return this.#frames(this.#output.search(item))
  }

  /** The output ends; `cite` says what its text cites. */
  close(incomplete: boolean, cite: Cite): Frame[] {
    return this.#frames(this.#output.close(incomplete, cite))
  }

  /** The critic's verdicts as an item of the output, and in the metadata. */
  verified(verification: Verification): Frame[] {
    this.#verification = verification
    return this.#frames(this.#output.add(verificationItem(itemIdOf(this.#head.id, 'vf'), verification)))
  }

  /** The finished response; `rejected` are calls that were none. */
  finished(incomplete: boolean, usage: Usage, rejected: readonly RejectedCall[], completedAt: number): ResponseObject {
    const { saved, computed, generated, reasoning } = usage
    return this.#object(incomplete ? 'incomplete' : 'completed', {
      completed_at: incomplete ? null : completedAt,
      incomplete_details: incomplete ? { reason: 'max_output_tokens' } : null,
      output: this.#output.items,
      mneme: { ...this.#own(), ...(rejected.length > 0 && { rejected_calls: rejected }) },
      usage: {
        input_tokens: saved + computed,
        input_tokens_details: { cached_tokens: saved, cache_write_tokens: 0 },
        output_tokens: generated,
        output_tokens_details: { reasoning_tokens: reasoning },
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
    const { id, createdAt, model, request, sampling, stored } = this.#head
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
      metadata: this.#verification
        ? withVerification(request.metadata ?? {}, this.#verification)
        : (request.metadata ?? {}),
      model,
      output: [],
      parallel_tool_calls: request.parallel_tool_calls ?? true,
      previous_response_id: request.previous_response_id ?? null,
      conversation: conversationOf(request),
      reasoning: { effort: request.reasoning?.effort ?? request.reasoning_effort ?? null, summary: null },
      service_tier: 'default',
      store: stored,
      temperature: sampling.temperature,
      text: { format: { type: 'text' } },
      tool_choice: choiceOf(request),
      tools: toolsOf(request),
      top_logprobs: request.top_logprobs ?? 0,
      top_p: sampling.topP,
      truncation: request.truncation ?? 'disabled',
      frequency_penalty: sampling.frequencyPenalty,
      presence_penalty: sampling.presencePenalty,
      safety_identifier: labelOf(request.safety_identifier),
      prompt_cache_key: labelOf(request.prompt_cache_key),
      user: labelOf(request.user),
      usage: null,
      mneme: this.#own(),
      ...changes,
    }
  }

  /** What OpenAI's object has no place for. */
  #own(): object {
    const { sampling, bundle, follows } = this.#head
    return { seed: sampling.seed, bundle, ...(follows !== null && { previous_response_id: follows }) }
  }

  #frames(events: readonly OutputEvent[]): Frame[] {
    return events.map(([type, fields]) => this.#frame(type, fields))
  }

  #frame(type: string, fields: Record<string, unknown>): Frame {
    return { type, sequence_number: this.#sequence++, ...fields }
  }
}

function conversationOf({ conversation: named }: ResponseRequest): { readonly id: string } | null {
  if (named == null) return null
  return { id: typeof named === 'string' ? named : named.id }
}

function labelOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function choiceOf({ tool_choice: choice }: ResponseRequest): unknown {
  if (choice === 'file_search') return { type: 'file_search' }
  return typeof choice === 'object' && choice ? { type: 'function', name: choice.name } : (choice ?? 'auto')
}

/** The tools as the request gave them. */
function toolsOf({ tools }: ResponseRequest): unknown[] {
  return (tools ?? []).map((tool) => {
    if (tool.type === 'file_search') return tool
    const { type, function: called } = tool
    const { name, description, parameters } = called
    return { type, name, description: description ?? null, parameters: parameters ?? null, strict: null }
  })
}

/** What memory saved and cost. Tokens replayed are counted beside those computed for this turn. */
function memoryUsage(usage: Usage): Record<string, unknown> {
  const { saved, computed, again, generated, truncated, stateBytes, resumed } = usage
  const { memory, gates, search, verification, exits } = usage
  return {
    tokens_computed: computed + generated + again,
    tokens_saved: saved,
    tokens_truncated: truncated,
    state_bytes: stateBytes,
    resumed_from: resumed?.tier ?? null,
    tokens_replayed: resumed?.replayed ?? 0,
    rebuilt: resumed?.rebuilt ?? null,
    ...(gates && { gates }),
    ...(memory && { memory }),
    ...(search && { file_search: search }),
    ...(verification && { verification }),
    ...(exits && { early_exit: exits }),
  }
}
