/** POST /v1/chat/completions: from the request to its turn, from pieces to chunks or one object. */
import { newId } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import type { FinishReason } from '../engine/messages.ts'
import type { NewTurn } from '../run-turn.ts'
import { pickModel, type ServedModel } from '../served-model.ts'
import { chatMessages } from './chat-messages.ts'
import { ChatReply, deltaOf, type IndexedPart } from './chat-reply.ts'
import type { ChatRequest } from './chat-schema.ts'
import { runChoices, type Piece, type Progress, type StatelessCaller, type Totals } from './choices.ts'
import type { HeldReply } from './held-replies.ts'
import { JsonList } from './json-text.ts'
import { entryOf } from './logprob-entry.ts'
import { draftsOf } from './drafts.ts'
import { exitOf, exitReport } from './exits.ts'
import { rememberChat, type RememberedChat } from './chat-memory.ts'
import { memoryUse } from './memory-use.ts'
import { prefixOptions } from './prefix-options.ts'
import { planReply, type ReplyPlan } from './reply-plan.ts'
import { drawingOf, replyLength } from './sampling.ts'

type Json = Record<string, unknown>

/** The chunks of a streamed chat completion, and how far its prompt is. Throws ApiError. */
export async function* streamChat(
  deps: Deps,
  request: ChatRequest,
  caller: StatelessCaller,
): AsyncGenerator<Json | Progress> {
  const { model, turn, plan, remembered } = await prepare(deps, request, caller)
  const totals = newTotals(request)
  const head = headOf(deps, model, 'chat.completion.chunk')
  const usage = usageIn(request.stream_options, totals, remembered)
  const chunk = (choice: Json): Json => ({ ...head, choices: [choice], ...usage.chunk() })
  const replies = Array.from({ length: turn.choices }, () => new ChatReply(plan, totals))
  const completion = head['id'] as string
  const held: IndexedPart[] = []
  const options = { signal: caller.signal, param: 'messages', echo: false, totals }
  for await (const piece of runChoices(deps, model, [turn], options)) {
    if (piece.kind === 'progress') {
      yield piece
      continue
    }
    const { index, tokens } = piece
    const reply = replies[index] as ChatReply
    if (piece.begins) yield chunk(choiceOf(index, { role: 'assistant', content: '' }))
    const entries = request.logprobs === true ? entriesOf(tokens) : []
    held.push(...reply.take(piece))
    if (remembered.waits && piece.finish === null) continue
    const parts = held.splice(0)
    const served = piece.finish === null ? null : await remembered.check(completion, reply.checkable)
    const deltas = served === null ? parts.flatMap(deltaOf) : [{ content: served } as Json]
    if (deltas.length === 0 && entries.length > 0) deltas.push({ content: '' })
    for (const [at, delta] of deltas.entries()) {
      // Tokens are told once, with the first of what they became.
      const logprobs = request.logprobs === true ? { content: at === 0 ? entries : [], refusal: null } : null
      yield chunk({ ...choiceOf(index, delta), logprobs })
    }
    if (piece.finish !== null) yield chunk({ ...choiceOf(index, {}), ...reply.outcome(piece.finish) })
  }
  await remembered.finish(completion)
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
  const { model, turn, plan, remembered } = await prepare(deps, request, caller)
  const totals = newTotals(request)
  const replies = Array.from({ length: turn.choices }, () => ({
    reader: new ChatReply(plan, totals),
    logprobs: new JsonList(),
    finish: null as FinishReason | null,
  }))
  const options = { signal: caller.signal, param: 'messages', echo: false, totals }
  for await (const piece of runChoices(deps, model, [turn], options)) {
    if (piece.kind === 'progress') continue
    const reply = replies[piece.index] as (typeof replies)[number]
    held.add(piece.text.length)
    reply.reader.take(piece)
    if (request.logprobs === true) {
      for (const entry of entriesOf(piece.tokens)) held.add(reply.logprobs.push(entry))
    }
    reply.finish = piece.finish
  }
  const head = headOf(deps, model, 'chat.completion')
  const completion = head['id'] as string
  const [first] = replies
  const served = first ? await remembered.check(completion, first.reader.checkable) : null
  const choices = replies.map(({ reader, logprobs, finish }, index) => ({
    index,
    message: { ...reader.message(), ...(served !== null && { content: served }) },
    logprobs: request.logprobs === true ? { content: logprobs, refusal: null } : null,
    ...reader.outcome(finish ?? 'stop'),
  }))
  await remembered.finish(completion)
  return { ...head, choices, usage: usageOf(totals, remembered.usage()) }
}

async function prepare(
  deps: Deps,
  request: ChatRequest,
  { owner, signal }: StatelessCaller,
): Promise<{ model: ServedModel; turn: NewTurn; plan: ReplyPlan; remembered: RememberedChat }> {
  const model = pickModel(deps.models, request.model)
  const logprobs = request.logprobs === true ? (request.top_logprobs ?? 0) : null
  const { sampling, stop } = drawingOf(request, model, logprobs)
  const plan = planReply(request, model)
  const turn: NewTurn = {
    kind: 'turn',
    owner,
    prompt: { kind: 'chat', messages: chatMessages(request.messages, plan.format), generate: true, ...plan.prompt },
    from: null,
    sampling,
    choices: request.n ?? 1,
    ...replyLength(request.max_completion_tokens ?? request.max_tokens, model.defaults.maxTokens),
    stop,
    drafts: draftsOf(request, deps.limits.draftTokens, []),
    ...exitOf(request, model),
    promptLogprobs: null,
    ...plan.marks,
    keep: false,
    prefixes: prefixOptions(request),
  }
  // Log-probabilities are of the tokens that were made: they cannot be served with another text.
  const verify = logprobs === null ? (request.mneme?.verify ?? deps.verify) : 'off'
  const use = memoryUse(request, deps.memories, request.store === true)
  const remembered = await rememberChat(deps, model, turn, use, verify, plan, signal)
  return { model, turn: remembered.turn, plan, remembered }
}

/** What every object of one completion shares. */
export function headOf(deps: Deps, model: ServedModel, object: string): Json {
  const id = newId(object.startsWith('chat') ? 'chatcmpl' : 'cmpl')
  const created = Math.floor(deps.now() / 1000)
  return { id, object, created, model: model.name, system_fingerprint: `mneme-${model.bundle.slice(0, 12)}` }
}

/** `own` is what else stands below `mneme`. */
export function usageOf(
  { prompt, cached, completion, reasoning, predicted, exits = null }: Totals,
  own: Json = {},
): Json {
  const mneme = { ...own, ...(exits && { early_exit: exitReport(exits) }) }
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: {
      reasoning_tokens: reasoning ?? 0,
      ...(predicted && {
        accepted_prediction_tokens: predicted.accepted,
        rejected_prediction_tokens: predicted.rejected,
      }),
    },
    ...(Object.keys(mneme).length > 0 && { mneme }),
  }
}

interface StreamOptions {
  readonly include_usage?: boolean | null | undefined
  readonly continuous_usage_stats?: boolean | null | undefined
}

/** Where the usage of a stream goes: into a chunk of its own at the end, and into the others if asked for. */
export function usageIn(options: StreamOptions | null | undefined, totals: Totals, remembered?: RememberedChat) {
  const wanted = options?.include_usage === true
  const continuous = wanted && options.continuous_usage_stats === true
  return {
    chunk: (): Json => (wanted ? { usage: continuous ? usageOf(totals) : null } : {}),
    last: (): Json | null => (wanted ? usageOf(totals, remembered?.usage()) : null),
  }
}

/** OpenAI's word for how a reply ended. */
export function finishReason(reason: FinishReason | null): 'stop' | 'length' | null {
  return reason === null ? null : reason === 'length' ? 'length' : 'stop'
}

function newTotals({ prediction }: ChatRequest): Totals & { reasoning: number } {
  const totals = { prompt: 0, cached: 0, completion: 0, reasoning: 0 }
  return prediction == null ? totals : { ...totals, predicted: { accepted: 0, rejected: 0 } }
}

function choiceOf(index: number, delta: Json): Json {
  return { index, delta, logprobs: null, finish_reason: null }
}

function entriesOf(tokens: Piece['tokens']) {
  return tokens.filter((token) => token.logprob !== null).map(entryOf)
}
