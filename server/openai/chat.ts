/** POST /v1/chat/completions: from the request to its turn, from pieces to chunks or one object. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import type { FinishReason } from '../engine/messages.ts'
import type { NewTurn } from '../run-turn.ts'
import { pickModel, type ServedModel } from '../served-model.ts'
import type { ChatRequest } from './chat-schema.ts'
import { runChoices, type Piece, type StatelessCaller, type Totals } from './choices.ts'
import { stopsOf } from './fields.ts'
import { entryOf } from './response-render.ts'
import { toSampling } from './sampling.ts'

type Json = Record<string, unknown>

/** The chunks of a streamed chat completion. Throws ApiError. */
export async function* streamChat(deps: Deps, request: ChatRequest, caller: StatelessCaller): AsyncGenerator<Json> {
  const { model, turn } = prepare(deps, request, caller.owner)
  const totals = { prompt: 0, completion: 0 }
  const withUsage = request.stream_options?.include_usage === true
  const head = headOf(deps, model, 'chat.completion.chunk')
  const chunk = (choices: Json[]): Json => ({ ...head, choices, ...(withUsage ? { usage: null } : {}) })
  const begun = new Set<number>()
  for await (const piece of runChoices(deps, model, [turn], {
    signal: caller.signal,
    param: 'messages',
    echo: false,
    totals,
  })) {
    const { index, text, finish } = piece
    if (!begun.has(index)) yield chunk([choiceOf(index, { role: 'assistant', content: '' }, null, null)])
    begun.add(index)
    if (finish === null) yield chunk([choiceOf(index, { content: text }, logprobsOf(request, piece.tokens), null)])
    else yield chunk([choiceOf(index, {}, null, finish)])
  }
  if (withUsage) yield { ...head, choices: [], usage: usageOf(totals) }
}

/** The whole chat completion. Throws ApiError. */
export async function completeChat(deps: Deps, request: ChatRequest, caller: StatelessCaller): Promise<Json> {
  const { model, turn } = prepare(deps, request, caller.owner)
  const totals = { prompt: 0, completion: 0 }
  const replies = Array.from({ length: turn.choices }, () => ({
    text: '',
    tokens: [] as Piece['tokens'][number][],
    finish: null as FinishReason | null,
  }))
  for await (const piece of runChoices(deps, model, [turn], {
    signal: caller.signal,
    param: 'messages',
    echo: false,
    totals,
  })) {
    const reply = replies[piece.index] as (typeof replies)[number]
    reply.text += piece.text
    reply.tokens.push(...piece.tokens)
    reply.finish = piece.finish
  }
  const choices = replies.map(({ text, tokens, finish }, index) => ({
    index,
    message: { role: 'assistant', content: text, refusal: null, annotations: [] },
    logprobs: logprobsOf(request, tokens),
    finish_reason: finishReason(finish),
  }))
  return { ...headOf(deps, model, 'chat.completion'), choices, usage: usageOf(totals) }
}

function prepare(deps: Deps, request: ChatRequest, owner: string): { model: ServedModel; turn: NewTurn } {
  const model = pickModel(deps.models, request.model)
  const logprobs = request.logprobs === true ? (request.top_logprobs ?? 0) : null
  const messages = request.messages.map(({ role, content }) => ({
    role,
    content: typeof content === 'string' ? content : content.map(({ text }) => text).join(''),
  }))
  const turn: NewTurn = {
    kind: 'turn',
    owner,
    prompt: { kind: 'chat', messages, generate: true },
    from: null,
    sampling: toSampling({ ...request, ...request.mneme }, model, logprobs, 'logit_bias'),
    choices: request.n ?? 1,
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? model.defaults.maxTokens,
    stop: stopsOf(request.stop),
    promptLogprobs: null,
    keep: false,
  }
  return { model, turn }
}

/** What every object of one completion shares. */
export function headOf(deps: Deps, model: ServedModel, object: string): Json {
  const id = newId(object.startsWith('chat') ? 'chatcmpl' : 'cmpl')
  const created = Math.floor(deps.now() / 1000)
  return { id, object, created, model: model.name, system_fingerprint: `mneme-${model.bundle.slice(0, 12)}` }
}

export function usageOf({ prompt, completion }: Totals): Json {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
  }
}

/** OpenAI's word for how a reply ended. */
export function finishReason(reason: FinishReason | null): 'stop' | 'length' | null {
  return reason === null ? null : reason === 'length' ? 'length' : 'stop'
}

function choiceOf(index: number, delta: Json, logprobs: Json | null, finish: FinishReason | null): Json {
  return { index, delta, logprobs, finish_reason: finishReason(finish) }
}

function logprobsOf(request: ChatRequest, tokens: Piece['tokens']): Json | null {
  if (request.logprobs !== true) return null
  return { content: tokens.filter((token) => token.logprob !== null).map(entryOf), refusal: null }
}
