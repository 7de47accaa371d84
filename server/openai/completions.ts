/** POST /v1/completions: from the request to its turns, from pieces to chunks or one object. */
import type { Deps } from '../deps.ts'
import type { FinishReason } from '../engine/messages.ts'
import type { NewTurn } from '../run-turn.ts'
import { pickModel, type ServedModel } from '../served-model.ts'
import { finishReason, headOf, usageIn, usageOf } from './chat.ts'
import { runChoices, type Piece, type Progress, type StatelessCaller } from './choices.ts'
import type { CompletionRequest } from './completions-schema.ts'
import type { HeldReply } from './held-replies.ts'
import { JsonList } from './json-text.ts'
import { LogprobColumns } from './logprob-columns.ts'
import { draftsOf } from './drafts.ts'
import { exitOf } from './exits.ts'
import { prefixOptions } from './prefix-options.ts'
import { drawingOf, replyLength } from './sampling.ts'

type Json = Record<string, unknown>

/** OpenAI's own default. */
const DEFAULT_MAX_TOKENS = 16

/** The chunks of a streamed completion, and how far its prompts are. Throws ApiError. */
export async function* streamCompletion(
  deps: Deps,
  request: CompletionRequest,
  caller: StatelessCaller,
): AsyncGenerator<Json | Progress> {
  const { model, turns } = prepare(deps, request, caller.owner)
  const totals = { prompt: 0, cached: 0, completion: 0 }
  const usage = usageIn(request.stream_options, totals)
  const head = headOf(deps, model, 'text_completion')
  const columns = Array.from({ length: replyCount(request) }, () => new LogprobColumns())
  const options = { signal: caller.signal, param: 'prompt', echo: request.echo === true, totals }
  for await (const piece of runChoices(deps, model, turns, options)) {
    if (piece.kind === 'progress') {
      yield piece
      continue
    }
    const { index, text, finish } = piece
    const tokens = tokensOf(piece)
    const logprobs = request.logprobs == null ? null : (columns[index] as LogprobColumns).next(tokens)
    const choice = { index, text, logprobs, finish_reason: finishReason(finish) }
    yield { ...head, choices: [choice], ...usage.chunk() }
  }
  const last = usage.last()
  if (last) yield { ...head, choices: [], usage: last }
}

/** The whole completion; its text is counted into `held`. Throws ApiError. */
export async function completeText(
  deps: Deps,
  request: CompletionRequest,
  caller: StatelessCaller,
  held: HeldReply,
): Promise<Json> {
  const { model, turns } = prepare(deps, request, caller.owner)
  const totals = { prompt: 0, cached: 0, completion: 0 }
  const replies = Array.from({ length: replyCount(request) }, () => ({
    text: '',
    columns: new LogprobColumns(),
    lists: newLists(),
    finish: null as FinishReason | null,
  }))
  const options = { signal: caller.signal, param: 'prompt', echo: request.echo === true, totals }
  for await (const piece of runChoices(deps, model, turns, options)) {
    if (piece.kind === 'progress') continue
    const reply = replies[piece.index] as (typeof replies)[number]
    held.add(piece.text.length)
    reply.text += piece.text
    reply.finish = piece.finish
    if (request.logprobs != null) append(reply.lists, reply.columns.next(tokensOf(piece)), held)
  }
  const choices = replies.map(({ text, lists, finish }, index) => ({
    index,
    text,
    logprobs: request.logprobs == null ? null : lists,
    finish_reason: finishReason(finish),
  }))
  return { ...headOf(deps, model, 'text_completion'), choices, usage: usageOf(totals) }
}

function prepare(deps: Deps, request: CompletionRequest, owner: string): { model: ServedModel; turns: NewTurn[] } {
  const model = pickModel(deps.models, request.model)
  const logprobs = request.logprobs ?? null
  const { sampling, stop } = drawingOf(request, model, logprobs)
  const shared = {
    kind: 'turn',
    owner,
    from: null,
    sampling,
    choices: request.n ?? 1,
    ...replyLength(request.max_tokens, DEFAULT_MAX_TOKENS),
    stop,
    drafts: draftsOf(request, deps.limits.draftTokens, []),
    ...exitOf(request, model),
    promptLogprobs: request.echo === true ? logprobs : null,
    keep: false,
    prefixes: prefixOptions(request),
  } as const
  return { model, turns: request.prompt.map((prompt) => ({ ...shared, prompt })) }
}

function replyCount(request: CompletionRequest): number {
  return request.prompt.length * (request.n ?? 1)
}

/** Tokens of a piece with the one that ended the reply: with echo, the prompt and it always make one more entry. */
function tokensOf({ tokens, end }: Piece): Piece['tokens'] {
  return end ? [...tokens, end] : tokens
}

type Lists = Record<keyof ReturnType<LogprobColumns['next']>, JsonList>

function newLists(): Lists {
  const list = (): JsonList => new JsonList()
  return { tokens: list(), token_logprobs: list(), top_logprobs: list(), text_offset: list() }
}

function append(lists: Lists, columns: ReturnType<LogprobColumns['next']>, held: HeldReply): void {
  for (const name of Object.keys(lists) as (keyof Lists)[]) {
    for (const item of columns[name]) held.add(lists[name].push(item))
  }
}
