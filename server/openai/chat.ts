/** POST /v1/chat/completions: from the request to its turn, from pieces to chunks or one object. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import type { FinishReason } from '../engine/messages.ts'
import type { NewTurn } from '../run-turn.ts'
import { pickModel, type ServedModel } from '../served-model.ts'
import type { ChatMessage, ChatRequest } from './chat-schema.ts'
import { runChoices, type Piece, type Progress, type StatelessCaller, type Totals } from './choices.ts'
import type { HeldReply } from './held-replies.ts'
import { JsonList } from './json-text.ts'
import { entryOf } from './response-render.ts'
import { drawingOf, replyLength } from './sampling.ts'

type Json = Record<string, unknown>

/** The chunks of a streamed chat completion, and how far its prompt is. Throws ApiError. */
export async function* streamChat(
  deps: Deps,
  request: ChatRequest,
  caller: StatelessCaller,
): AsyncGenerator<Json | Progress> {
  const { model, turn } = prepare(deps, request, caller.owner)
  const totals = { prompt: 0, completion: 0 }
  const usage = usageIn(request.stream_options, totals)
  const head = headOf(deps, model, 'chat.completion.chunk')
  const chunk = (choice: Json): Json => ({ ...head, choices: [choice], ...usage.chunk() })
  const begun = new Set<number>()
  const options = { signal: caller.signal, param: 'messages', echo: false, totals }
  for await (const piece of runChoices(deps, model, [turn], options)) {
    if (piece.kind === 'progress') {
      yield piece
      continue
    }
    const { index, text, tokens, finish } = piece
    if (!begun.has(index)) yield chunk(choiceOf(index, { role: 'assistant', content: '' }, null, null))
    begun.add(index)
    if (text !== '' || tokens.length > 0) {
      const logprobs = request.logprobs === true ? { content: entriesOf(tokens), refusal: null } : null
      yield chunk(choiceOf(index, { content: text }, logprobs, null))
    }
    if (finish !== null) yield chunk(choiceOf(index, {}, null, finish))
  }
  const last = usage.last()
  if (last) yield { ...head, choices: [], usage: last }
}

/** The whole chat completion; its text is counted into `held`. Throws ApiError. */
export async function completeChat(
  deps: Deps,
  request: ChatRequest,
  caller: StatelessCaller,
  held: HeldReply,
): Promise<Json> {
  const { model, turn } = prepare(deps, request, caller.owner)
  const totals = { prompt: 0, completion: 0 }
  const replies = Array.from({ length: turn.choices }, () => ({
    text: '',
    logprobs: new JsonList(),
    finish: null as FinishReason | null,
  }))
  const options = { signal: caller.signal, param: 'messages', echo: false, totals }
  for await (const piece of runChoices(deps, model, [turn], options)) {
    if (piece.kind === 'progress') continue
    const reply = replies[piece.index] as (typeof replies)[number]
    held.add(piece.text.length)
    reply.text += piece.text
    if (request.logprobs === true) {
      for (const entry of entriesOf(piece.tokens)) held.add(reply.logprobs.push(entry))
    }
    reply.finish = piece.finish
  }
  const choices = replies.map(({ text, logprobs, finish }, index) => ({
    index,
    message: { role: 'assistant', content: text, refusal: null, annotations: [] },
    logprobs: request.logprobs === true ? { content: logprobs, refusal: null } : null,
    finish_reason: finishReason(finish),
  }))
  return { ...headOf(deps, model, 'chat.completion'), choices, usage: usageOf(totals) }
}

function prepare(deps: Deps, request: ChatRequest, owner: string): { model: ServedModel; turn: NewTurn } {
  const model = pickModel(deps.models, request.model)
  const logprobs = request.logprobs === true ? (request.top_logprobs ?? 0) : null
  const { sampling, stop } = drawingOf(request, model, logprobs)
  const turn: NewTurn = {
    kind: 'turn',
    owner,
    prompt: {
      kind: 'chat',
      messages: request.messages.map(({ role, content }) => ({ role, content: textOf(content) })),
      generate: true,
    },
    from: null,
    sampling,
    choices: request.n ?? 1,
    ...replyLength(request.max_completion_tokens ?? request.max_tokens, model.defaults.maxTokens),
    stop,
    promptLogprobs: null,
    keep: false,
  }
  return { model, turn }
}

/** Refusals and absent content read as empty. */
function textOf(content: ChatMessage['content']): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('')
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

interface StreamOptions {
  readonly include_usage?: boolean | null | undefined
  readonly continuous_usage_stats?: boolean | null | undefined
}

/** Where the usage of a stream goes: into a chunk of its own at the end, and into the others if asked for. */
export function usageIn(options: StreamOptions | null | undefined, totals: Totals) {
  const wanted = options?.include_usage === true
  const continuous = wanted && options.continuous_usage_stats === true
  return {
    chunk: (): Json => (wanted ? { usage: continuous ? usageOf(totals) : null } : {}),
    last: (): Json | null => (wanted ? usageOf(totals) : null),
  }
}

/** OpenAI's word for how a reply ended. */
export function finishReason(reason: FinishReason | null): 'stop' | 'length' | null {
  return reason === null ? null : reason === 'length' ? 'length' : 'stop'
}

function choiceOf(index: number, delta: Json, logprobs: Json | null, finish: FinishReason | null): Json {
  return { index, delta, logprobs, finish_reason: finishReason(finish) }
}

function entriesOf(tokens: Piece['tokens']) {
  return tokens.filter((token) => token.logprob !== null).map(entryOf)
}
