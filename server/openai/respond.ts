/** One turn of the Responses API, the same for JSON, SSE and WebSocket: a stream of events that ends in the outcome. */
import { withEarlierPages } from '../checkpoint.ts'
import { commit, newId, resume, type Base, type LocalBases } from '../conversation.ts'
import type { Deps } from '../deps.ts'
import type { DoneEvent } from '../engine/messages.ts'
import type { Message } from '../../runtime/text.ts'
import { runTurn, type NewTurn } from '../run-turn.ts'
import { infoOf, pickModel, type ServedModel } from '../served-model.ts'
import { ApiError, toApiError } from './errors.ts'
import { stopsOf } from './fields.ts'
import { ResponseWriter, type Frame, type ResponseObject } from './response-render.ts'
import type { InputItem, ResponseRequest } from './responses-schema.ts'
import { toSampling } from './sampling.ts'

export interface Caller {
  readonly owner: string
  readonly requestId: string
  /** Aborts when the client has gone or the server has to stop. */
  readonly signal: AbortSignal
  /** Responses of this connection that are not stored; empty over HTTP. */
  readonly local: LocalBases
  /** Keep the checkpoint of a response that is not stored in `local`. */
  readonly keepLocal: boolean
}

/** How a turn ended once its events had begun. */
export type Outcome = { readonly response: ResponseObject } | { readonly error: ApiError }

/** What is kept of a response besides tokens and state. */
export interface ResponseDocument {
  readonly response: ResponseObject
  readonly input: readonly Record<string, unknown>[]
}

/** Throws ApiError while nothing has been said yet; afterwards the last event is response.failed. */
export async function* respond(deps: Deps, request: ResponseRequest, caller: Caller): AsyncGenerator<Frame, Outcome> {
  const turn = await prepare(deps, request, caller)
  const { model, sampling, id } = turn
  const stored = request.store ?? true
  const createdAt = Math.floor(deps.now() / 1000)
  const head = { id, createdAt, model: model.name, bundle: model.bundle, request, sampling, stored }
  const writer = new ResponseWriter(head)
  let begun = false
  let opened = false
  let prompt: readonly number[] = []
  try {
    for await (const event of runTurn(
      deps,
      model,
      turn.job,
      { signal: caller.signal, moveState: turn.moveState },
      'input',
    )) {
      if (event.kind === 'accepted') {
        begun = true
        prompt = event.prompt
        yield* writer.begin()
      } else if (event.kind === 'text') {
        if (!opened) yield* writer.open()
        opened = true
        yield* writer.delta(event.text, event.tokens)
      } else if (event.kind === 'done') {
        const output = turn.job.maxTokens > 0
        const incomplete = output && event.reason === 'length'
        if (output && !opened) yield* writer.open()
        if (output) yield* writer.close(incomplete)
        const usage = usageOf(turn.job, prompt.length, event, infoOf(model).stateBytes)
        const response = writer.finished(incomplete, output, usage, Math.floor(deps.now() / 1000))
        await keep(deps, caller, turn, { response, input: inputItems(request) }, prompt, event, stored)
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
    turn.base?.release()
  }
}

interface Prepared {
  readonly id: string
  readonly model: ServedModel
  readonly base: Base | null
  readonly sampling: NewTurn['sampling']
  readonly job: NewTurn
  /** Nobody continues from the base's own copy of its state again. */
  readonly moveState: boolean
}

async function prepare(deps: Deps, request: ResponseRequest, caller: Caller): Promise<Prepared> {
  const { previous_response_id: previous } = request
  if (request.model !== undefined) pickModel(deps.models, request.model)
  const base = previous ? await resume(deps, caller.owner, previous, caller.local, caller.signal) : null
  try {
    return prepareOn(deps, request, caller, base)
  } catch (error) {
    base?.release()
    throw error
  }
}

function prepareOn(deps: Deps, request: ResponseRequest, caller: Caller, base: Base | null): Prepared {
  const model = base ? modelOf(deps, base, request.model) : pickModel(deps.models, request.model)
  const { mneme } = request
  const generate = request.generate ?? true
  const stored = request.store ?? true
  const wantsLogprobs = (request.include?.length ?? 0) > 0 || request.top_logprobs != null
  const fields = { ...mneme, temperature: request.temperature, top_p: request.top_p }
  const sampling = toSampling(fields, model, wantsLogprobs ? (request.top_logprobs ?? 0) : null, 'mneme.logit_bias')
  const messages = messagesOf(request)
  const empty = messages.length === 0 && !generate
  if (messages.length === 0 && generate && !base) {
    throw new ApiError(400, 'missing_parameter', "Missing parameter: 'input'.", { param: 'input' })
  }
  const job: NewTurn = {
    kind: 'turn',
    owner: caller.owner,
    prompt: empty ? { kind: 'ids', ids: [] } : { kind: 'chat', messages, generate },
    from: base?.checkpoint ?? null,
    sampling,
    choices: 1,
    maxTokens: generate ? (request.max_output_tokens ?? model.defaults.maxTokens) : 0,
    stop: stopsOf(mneme?.stop),
    promptLogprobs: null,
    keep: true,
  }
  const moveState = base?.resumed.tier !== 'connection' && (stored || !caller.keepLocal)
  return { id: newId('resp'), model, base, sampling, job, moveState }
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

function messagesOf(request: ResponseRequest): Message[] {
  const { input, instructions } = request
  const system: Message[] = instructions ? [{ role: 'system', content: instructions }] : []
  if (input === undefined) return system
  if (typeof input === 'string') return [...system, { role: 'user', content: input }]
  return [...system, ...input.map(({ role, content }) => ({ role, content: textOf(content) }))]
}

function textOf(content: InputItem['content']): string {
  return typeof content === 'string' ? content : content.map(({ text }) => text).join('')
}

/** The request's input as the items that /input_items lists. */
function inputItems(request: ResponseRequest): Record<string, unknown>[] {
  const { input } = request
  const items: InputItem[] = typeof input === 'string' ? [{ role: 'user', content: input }] : (input ?? [])
  return items.map(({ id, role, content }) => {
    const type = role === 'assistant' ? 'output_text' : 'input_text'
    const parts = typeof content === 'string' ? [{ type, text: content }] : content.map(({ text }) => ({ type, text }))
    return { id: id ?? newId('msg'), type: 'message', status: 'completed', role, content: parts }
  })
}

function usageOf(job: NewTurn, prompt: number, done: DoneEvent, stateBytes: number) {
  const computed = (job.from?.pending.length ?? 0) + prompt
  return { saved: job.from?.position ?? 0, computed, generated: done.generated.length, stateBytes }
}

/** Puts the finished turn where it belongs: on disk, in the connection, or nowhere. */
async function keep(
  deps: Deps,
  caller: Caller,
  turn: Prepared,
  document: ResponseDocument,
  prompt: readonly number[],
  done: DoneEvent,
  stored: boolean,
): Promise<void> {
  const { id, base, model } = turn
  const { checkpoint } = done
  if (!checkpoint) return
  const place = {
    id,
    root: base?.root ?? id,
    depth: base ? base.depth + 1 : 0,
    model: model.name,
    bundle: model.bundle,
  }
  if (!stored) {
    if (caller.keepLocal) {
      const whole = withEarlierPages(checkpoint.state, base?.checkpoint.state ?? null)
      const resumed = { tier: 'connection', replayed: 0, rebuilt: null } as const
      const kept = { ...checkpoint, state: whole }
      remember(caller.local, { ...place, checkpoint: kept, resumed, stored: false, release: () => undefined })
    }
    return
  }
  const { position, pending, state } = checkpoint
  const { generated, calls, gates } = done
  const parent = base?.id ?? null
  const { prefillChunk } = infoOf(model)
  const tokens = { prompt, generated, pending, position, prefillChunk, calls, gates }
  const created = Math.floor(deps.now() / 1000)
  await commit(
    deps,
    { ...place, ...tokens, owner: caller.owner, parent, created, document: JSON.stringify(document) },
    state,
    base,
  )
}

/** Checkpoints that one connection may keep in memory. */
const LOCAL_LIMIT = 4

function remember(local: LocalBases, base: Base): void {
  local.set(base.id, base)
  const oldest = local.keys().next().value
  if (local.size > LOCAL_LIMIT && oldest !== undefined) local.delete(oldest)
}
