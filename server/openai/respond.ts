/** One turn of the Responses API, the same for JSON, SSE and WebSocket: a stream of events that ends in the outcome. */
import type { Base, LocalBases } from '../base.ts'
import { countReasoning } from '../../runtime/reply/reply-format.ts'
import { newId, resume } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import type { AcceptedEvent, DoneEvent } from '../engine/messages.ts'
import { countSuccess, prepareModel, runTurn, type NewTurn } from '../run-turn.ts'
import { infoOf, pickModel, type ServedModel } from '../served-model.ts'
import type { TurnMemories } from '../memory/told.ts'
import { embedTold } from '../memory/memories.ts'
import type { Verified } from '../critic/verify-reply.ts'
import type { SecondReading } from '../second-reading.ts'
import type { Progress } from './choices.ts'
import { draftsOf } from './drafts.ts'
import { exitOf, exitReport } from './exits.ts'
import { ApiError, toApiError } from './errors.ts'
import { everySecond } from './every-second.ts'
import type { HeldReply } from './held-replies.ts'
import { keepTurn } from './keep-turn.ts'
import { memoryReport } from './memory-use.ts'
import { actionOf, CheckedText, servedInstead, verificationReport } from './checked-text.ts'
import { prefixOptions } from './prefix-options.ts'
import { openConversation, type OpenConversation } from './open-conversation.ts'
import { citationsOf, type CitedTurn } from './citations.ts'
import { searchItems, withoutResults, type SearchItem } from './file-search.ts'
import { gatesReport } from './turn-gates.ts'
import { planReply, type PlannedRequest, type ReplyPlan } from './reply-plan.ts'
import { partsOf, ReplyReader } from './reply-reader.ts'
import { itemsOf, messagesOf, readInput, type InputEntry } from './response-input.ts'
import { ResponseWriter, type Frame, type ResponseObject, type Usage } from './response-render.ts'
import type { ResponseRequest } from './responses-schema.ts'
import { drawingOf, NO_REPLY, replyLength } from './sampling.ts'
import { fileSearchIn, functionsIn } from './tools-schema.ts'
import { truncate } from './truncation.ts'
import { countMemories, readMemory, rememberedOf, secondReading, verifiedOf, type ReadMemory } from './turn-memory.ts'

export interface Caller {
  readonly owner: string
  readonly requestId: string
  /** Where the URLs begin under which the client reaches this server. */
  readonly origin: string
  /** Aborts when the client has gone or the server has to stop. */
  readonly signal: AbortSignal
  /** Counts what is held of the reply until it is complete. */
  readonly held: HeldReply
  /** Responses of this connection that are not stored; null over HTTP, where they cannot be continued. */
  readonly local: LocalBases | null
}

/** How a turn ended once its events had begun. */
export type Outcome = { readonly response: ResponseObject } | { readonly error: ApiError }

/**
 * Throws ApiError while nothing has been said yet; afterwards the last event is response.failed. How far a long prompt
 * is, is an event only where it was asked for: OpenAI's own client throws at an event that it does not know.
 */
export async function* respond(
  deps: Deps,
  request: ResponseRequest,
  caller: Caller,
): AsyncGenerator<Frame | Progress, Outcome> {
  const turn = await prepare(deps, request, caller)
  const { model, sampling, id } = turn
  const stored = request.store ?? true
  const createdAt = Math.floor(deps.now() / 1000)
  const head = {
    id,
    createdAt,
    model: model.name,
    bundle: model.bundle,
    request,
    sampling,
    stored,
    follows: followedBy(turn),
  }
  const writer = new ResponseWriter(head, caller.held)
  const due = everySecond()
  let begun = false
  const reader = new ReplyReader(turn.plan)
  const reply = new CheckedText(turn.verify)
  let accepted: AcceptedEvent | null = null
  try {
    for await (const event of runTurn(deps, model, turn.noted?.job ?? turn.job, { signal: caller.signal }, 'input')) {
      if (event.kind === 'accepted') {
        begun = true
        accepted = event
        reader.begin(event.inReasoning)
        yield* writer.begin()
        if (turn.gates && request.include?.includes('mneme.gates'))
          yield writer.gates(gatesReport(turn.gates, turn.noted !== null))
        for (const item of searchesOf(turn, request)) yield* writer.searched(item)
      } else if (event.kind === 'progress') {
        const { prefilled, total } = event
        if (due())
          yield request.mneme?.progress ? writer.progress(prefilled, total) : { kind: 'progress', prefilled, total }
      } else if (event.kind === 'text') {
        const parts = partsOf(reader, turn.plan, event.text)
        reply.take(parts, event.tokens)
        if (!reply.waits) yield* writer.take(parts, event.tokens)
      } else if (event.kind === 'done' && accepted) {
        const output = turn.job.maxTokens > 0
        const incomplete = output && event.reason === 'length'
        const rest = reader.end()
        reply.take(rest, [])
        const told = await rememberedOf(deps, caller.owner, turn, caller.signal)
        const verified = output ? await verifiedOf(deps, caller.owner, turn, reply, told, caller.signal) : null
        const served = reply.waits ? servedInstead(verified) : null
        if (output && reply.waits)
          yield* reply.pieces(served).flatMap(({ parts, tokens }) => writer.take(parts, tokens))
        else if (output) yield* writer.take(rest, [])
        const cited = citedTurn(turn, served === null ? verified : null, caller.origin)
        if (output) yield* writer.close(incomplete, (text) => citationsOf(text, cited))
        if (verified && request.include?.includes('mneme.verification'))
          yield* writer.verified({ ...verified, action: actionOf(verified, served) })
        const mayGoOn = stored || caller.local !== null
        const again = mayGoOn ? await secondReading(deps, turn, event, served) : null
        const usage = usageOf(turn, accepted, event, { again, told, verified, served })
        const response = writer.finished(incomplete, usage, reader.rejected, Math.floor(deps.now() / 1000))
        const document = { response: withoutResults(response), input: itemsOf(turn.input) }
        await keepTurn(deps, caller, turn, document, again ?? { accepted, done: event }, told, stored)
        countMemories(deps, turn, told)
        if (told) void embedTold(deps, caller.owner, told.written, turn.embedded)
        countSuccess(deps, event)
        yield writer.end(response)
        return { response }
      }
    }
    throw new ApiError(499, 'cancelled', 'The request was cancelled.')
  } catch (thrown) {
    const error = toApiError(thrown, caller.requestId)
    if (!begun) throw error
    if (error.status >= 500) deps.log.error({ err: thrown, request: caller.requestId }, 'a response failed')
    yield writer.fail(error)
    return { error }
  } finally {
    leave(turn)
  }
}

interface Prepared {
  readonly id: string
  readonly model: ServedModel
  readonly base: Base | null
  /** Null where the request names none. */
  readonly conversation: OpenConversation | null
  readonly sampling: NewTurn['sampling']
  readonly input: readonly InputEntry[]
  readonly plan: ReplyPlan
  readonly job: NewTurn
  /** Tokens of the conversation that were left out. */
  readonly truncated: number
}

/** A turn with what is remembered of its user. */
type RememberingTurn = Prepared & ReadMemory

/** The searches that a turn has made, as items of its output. */
function searchesOf({ search, said, evidence, noted }: RememberingTurn, { include }: ResponseRequest): SearchItem[] {
  return searchItems(search, said.at(-1) ?? '', noted && evidence ? evidence.entries : [], include)
}

/** What the sentences of a reply may rest on: what it has read, and the verdicts on its text. */
function citedTurn({ said, evidence, noted }: RememberingTurn, verified: Verified | null, origin: string): CitedTurn {
  const memories = noted && evidence ? evidence.entries : []
  const verdicts = verified?.verdicts ?? []
  return { question: said.at(-1) ?? '', memories, chunks: noted?.chunks ?? [], verdicts, origin }
}

/** What became of a turn besides its reply. */
interface Outcomes {
  readonly again: SecondReading | null
  readonly told: TurnMemories | null
  readonly verified: Verified | null
  /** Served in place of the reply. */
  readonly served: string | null
}

async function prepare(deps: Deps, request: ResponseRequest, caller: Caller): Promise<RememberingTurn> {
  const turn = await prepareTurn(deps, request, caller)
  try {
    return { ...turn, ...(await readMemory(deps, request, turn, caller.owner, caller.signal)) }
  } catch (error) {
    leave(turn)
    throw error
  }
}

/** What a turn holds while it is being made. */
function leave({ base, conversation }: Pick<Prepared, 'base' | 'conversation'>): void {
  base?.release()
  conversation?.close()
}

async function prepareTurn(deps: Deps, request: ResponseRequest, caller: Caller): Promise<Prepared> {
  const conversation = await openConversation(deps, request, caller.owner)
  try {
    return { ...(await prepareFrom(deps, conversation?.request ?? request, caller)), conversation }
  } catch (error) {
    conversation?.close()
    throw error
  }
}

type PreparedFrom = Omit<Prepared, 'conversation'>

async function prepareFrom(deps: Deps, request: ResponseRequest, caller: Caller): Promise<PreparedFrom> {
  const { previous_response_id: previous } = request
  const name = request.model || undefined
  if (name !== undefined) pickModel(deps.models, name)
  const base = previous ? await resume(deps, caller.owner, previous, caller.local, caller.signal) : null
  try {
    const prepared = await prepareOn(deps, request, caller, base)
    if (request.truncation !== 'auto') return prepared
    return {
      ...prepared,
      ...(await truncate(deps, request, prepared, (cut, input) => messagesOf(cut, input, prepared.plan.format))),
    }
  } catch (error) {
    base?.release()
    throw error
  }
}

async function prepareOn(
  deps: Deps,
  request: ResponseRequest,
  caller: Caller,
  base: Base | null,
): Promise<PreparedFrom> {
  const name = request.model || undefined
  const model = base ? modelOf(deps, base, name) : pickModel(deps.models, name)
  await prepareModel(deps, model, caller.owner, caller.signal)
  const { sampling, stop } = drawingOf(request, model, wantedLogprobs(request))
  const input = await readInput(deps, request, caller.owner)
  const plan = planReply(plannedOf(request), model)
  const messages = messagesOf(request, input, plan.format)
  const generate = request.generate ?? true
  if (messages.length === 0 && generate && !base) {
    throw new ApiError(400, 'missing_parameter', "Missing parameter: 'input'.", { param: 'input' })
  }
  const job: NewTurn = {
    kind: 'turn',
    owner: caller.owner,
    prompt:
      messages.length === 0 && !generate
        ? { kind: 'ids', ids: [] }
        : { kind: 'chat', messages, generate, ...plan.prompt },
    from: base?.checkpoint ?? null,
    sampling,
    choices: 1,
    ...(generate ? replyLength(request.max_output_tokens, model.defaults.maxTokens) : NO_REPLY),
    stop,
    drafts: draftsOf(request, deps.limits.draftTokens, base?.tokens ?? []),
    ...exitOf(request, model),
    promptLogprobs: null,
    ...plan.marks,
    keep: true,
    prefixes: { ...prefixOptions(request), durable: request.prompt_cache_retention === '24h' },
  }
  return { id: newId('resp'), model, base, sampling, input, plan, job, truncated: 0 }
}

/** What the model is told of the tools: functions. A search is made without it. */
function plannedOf({ tools, tool_choice: choice, ...request }: ResponseRequest): PlannedRequest {
  const isSearched = choice === 'file_search' || (choice === 'required' && fileSearchIn(tools ?? []) !== null)
  return { ...request, tools: functionsIn(tools ?? []), tool_choice: isSearched ? 'auto' : choice }
}

/** Alternatives of each token; null for no log-probabilities. */
function wantedLogprobs({ include, top_logprobs: top }: ResponseRequest): number | null {
  return include?.includes('message.output_text.logprobs') || (top ?? 0) > 0 ? (top ?? 0) : null
}

/** A session stays with the bundle that made its state. */
function modelOf(deps: Deps, base: Base, name: string | undefined): ServedModel {
  const model = deps.models.find((m) => m.bundle === base.bundle)
  if (model && (name === undefined || name === model.name)) return model
  throw new ApiError(
    400,
    'model_mismatch',
    `'model': the previous response was made by ${base.model}; a session keeps its model.`,
    {
      param: 'model',
    },
  )
}

function usageOf(
  { base, job, model, plan, truncated, evidence, turns, gates, search, noted }: RememberingTurn,
  accepted: AcceptedEvent,
  { generated, exits }: DoneEvent,
  { again, told, verified, served }: Outcomes,
): Usage {
  const { prompt, prefix, inReasoning } = accepted
  const { position, pending } = job.from ?? { position: 0, pending: [] }
  const { stateBytes } = infoOf(model)
  const cached = prefix?.cached ?? 0
  const computed = pending.length + prompt.length - cached
  const reasoning = countReasoning(plan.format, generated, inReasoning)
  const earlier = job.from === null ? null : base?.resumed
  const resumed = earlier ?? (prefix && { tier: prefix.tier, replayed: 0, rebuilt: null })
  const memory = memoryReport(evidence, turns, noted, again, told)
  const verification = verified && verificationReport(verified, served)
  const counts = { saved: position + cached, computed, generated: generated.length, reasoning, truncated }
  const files = search && { results: search.chunks.length, read: noted?.chunks.length ?? 0 }
  return {
    ...counts,
    again: again?.computed ?? 0,
    stateBytes,
    resumed,
    memory,
    gates: gates && gatesReport(gates, noted !== null),
    search: files,
    verification,
    exits: exits && exitReport(exits),
  }
}

function followedBy({ base, conversation }: Prepared): string | null {
  return conversation && base ? base.id : null
}
