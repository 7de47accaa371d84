/** POST /v1/completions: from the request to its turns, from pieces to chunks or one object. */
import type { Deps } from '../deps.ts'
import type { FinishReason, Prompt, TokenText } from '../engine/messages.ts'
import type { NewTurn } from '../run-turn.ts'
import { pickModel, type ServedModel } from '../served-model.ts'
import { finishReason, headOf, usageOf } from './chat.ts'
import { runChoices, type Piece, type StatelessCaller } from './choices.ts'
import type { CompletionRequest } from './completions-schema.ts'
import { stopsOf } from './fields.ts'
import { toSampling } from './sampling.ts'
import { tokenString } from './token-string.ts'

type Json = Record<string, unknown>

/** OpenAI's own default. */
const DEFAULT_MAX_TOKENS = 16

/** The chunks of a streamed completion. Throws ApiError. */
export async function* streamCompletion(
  deps: Deps,
  request: CompletionRequest,
  caller: StatelessCaller,
): AsyncGenerator<Json> {
  const { model, turns } = prepare(deps, request, caller.owner)
  const totals = { prompt: 0, completion: 0 }
  const echo = request.echo === true
  const withUsage = request.stream_options?.include_usage === true
  const head = headOf(deps, model, 'text_completion')
  const offsets = new Map<number, number>()
  for await (const piece of runChoices(deps, model, turns, { signal: caller.signal, param: 'prompt', echo, totals })) {
    const at = offsets.get(piece.index) ?? 0
    offsets.set(piece.index, at + piece.text.length)
    const choice = choiceOf(request, piece.index, piece.text, piece.tokens, piece.finish, at)
    yield { ...head, choices: [choice], ...(withUsage ? { usage: null } : {}) }
  }
  if (withUsage) yield { ...head, choices: [], usage: usageOf(totals) }
}

/** The whole completion. Throws ApiError. */
export async function completeText(deps: Deps, request: CompletionRequest, caller: StatelessCaller): Promise<Json> {
  const { model, turns } = prepare(deps, request, caller.owner)
  const totals = { prompt: 0, completion: 0 }
  const echo = request.echo === true
  const replies = Array.from({ length: turns.length * (request.n ?? 1) }, () => ({
    text: '',
    tokens: [] as Piece['tokens'][number][],
    finish: null as FinishReason | null,
  }))
  for await (const piece of runChoices(deps, model, turns, { signal: caller.signal, param: 'prompt', echo, totals })) {
    const reply = replies[piece.index] as (typeof replies)[number]
    reply.text += piece.text
    reply.tokens.push(...piece.tokens)
    reply.finish = piece.finish
  }
  const choices = replies.map(({ text, tokens, finish }, index) => choiceOf(request, index, text, tokens, finish, 0))
  return { ...headOf(deps, model, 'text_completion'), choices, usage: usageOf(totals) }
}

function prepare(deps: Deps, request: CompletionRequest, owner: string): { model: ServedModel; turns: NewTurn[] } {
  const model = pickModel(deps.models, request.model)
  const logprobs = request.logprobs ?? null
  const shared = {
    kind: 'turn',
    owner,
    from: null,
    sampling: toSampling({ ...request, ...request.mneme }, model, logprobs, 'logit_bias'),
    choices: request.n ?? 1,
    maxTokens: request.max_tokens ?? DEFAULT_MAX_TOKENS,
    stop: stopsOf(request.stop),
    promptLogprobs: request.echo === true ? logprobs : null,
    keep: false,
  } as const
  return { model, turns: promptsOf(request.prompt).map((prompt) => ({ ...shared, prompt })) }
}

function promptsOf(prompt: CompletionRequest['prompt']): Prompt[] {
  if (typeof prompt === 'string') return [{ kind: 'text', text: prompt }]
  if (typeof prompt[0] === 'number') return [{ kind: 'ids', ids: prompt as number[] }]
  return (prompt as (string | number[])[]).map((one) =>
    typeof one === 'string' ? { kind: 'text', text: one } : { kind: 'ids', ids: one },
  )
}

function choiceOf(
  request: CompletionRequest,
  index: number,
  text: string,
  tokens: Piece['tokens'],
  finish: FinishReason | null,
  at: number,
): Json {
  const logprobs = request.logprobs == null ? null : logprobsOf(tokens, at)
  return { index, text, logprobs, finish_reason: finishReason(finish) }
}

/** Four parallel lists; null for a prompt's first token. */
function logprobsOf(tokens: Piece['tokens'], at: number): Json {
  // Tokens of one character begin where that does
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let offset = at
  const offsets = tokens.map((token) => {
    const here = offset
    offset += decoder.decode(Uint8Array.from(token.bytes), { stream: true }).length
    return here
  })
  const named = ({ bytes }: Pick<TokenText, 'bytes'>): string => tokenString(bytes, 'bytes:')
  return {
    tokens: tokens.map(named),
    token_logprobs: tokens.map((token) => token.logprob),
    top_logprobs: tokens.map((token) =>
      token.logprob === null ? null : Object.fromEntries(token.top.map((t) => [named(t), t.logprob])),
    ),
    text_offset: offsets,
  }
}
