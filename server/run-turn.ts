/** Runs one job of an engine for a request: counted, and with errors that a client can read. */
import { AdmissionError, BusyError, EngineError } from './engine/client.ts'
import type { JobEvent, NewJob, NewTurn, SubmitOptions } from './engine/client.ts'
import type { AcceptedEvent, DoneEvent, ErrorEvent } from './engine/messages.ts'
import type { Deps } from './deps.ts'
import { ApiError } from './openai/errors.ts'
import { infoOf, type ServedModel } from './served-model.ts'

export type TurnEvent = Exclude<JobEvent, { kind: 'error' }>
export type { NewTurn } from './engine/client.ts'

/** Seconds after which a refused request may be sent again. */
const RETRY_AFTER = 1
/** The same where a model could not be loaded. */
const LOAD_RETRY_AFTER = 5

/**
 * The events of a turn. Throws ApiError for everything that ends it early; `param` is the parameter that the prompt
 * came in. Throws ApiError 499 when the client has disconnected.
 */
export async function* runTurn(
  deps: Deps,
  model: ServedModel,
  turn: NewTurn,
  options: SubmitOptions,
  param: string,
): AsyncGenerator<TurnEvent> {
  const { metrics } = deps
  infoOf(model)
  const asked = performance.now()
  const seconds = (): number => (performance.now() - asked) / 1000
  let begun = false
  let open = turn.choices
  for await (const event of submit(deps, model, turn, options)) {
    if (event.kind === 'error') throw refusal(event, param)
    if (event.kind === 'accepted') countPrompt(deps, turn, event)
    if (event.kind === 'started') metrics.queued.observe(seconds())
    if (!begun && (event.kind === 'text' || event.kind === 'done')) {
      begun = true
      metrics.firstToken.observe(seconds())
    }
    if (event.kind === 'done') {
      open--
      countReply(deps, event)
      metrics.request.observe(seconds())
    }
    yield event
  }
  if (open === 0) return
  if (deps.lifecycle.aborted)
    throw new ApiError(503, 'server_shutting_down', 'The server is stopping; the reply was cut off.')
  metrics.cancelled.inc()
  throw new ApiError(499, 'cancelled', 'The request was cancelled.')
}

/** Loads a model that nothing is known of yet, since it never was loaded. Throws ApiError. */
export async function prepareModel(deps: Deps, model: ServedModel, owner: string, signal: AbortSignal): Promise<void> {
  try {
    await model.prepare(owner, signal)
  } catch (cause) {
    if (signal.aborted) throw new ApiError(499, 'cancelled', 'The request was cancelled.')
    if (cause instanceof BusyError) throw busy(deps, cause)
    if (!(cause instanceof AdmissionError)) throw cause
    throw new ApiError(503, 'model_unavailable', cause.message, { retryAfter: LOAD_RETRY_AFTER, cause })
  }
}

/** Submits a job; a full queue is 429, an engine that is gone 503. */
export function submit(deps: Deps, model: ServedModel, job: NewJob, options: SubmitOptions): AsyncIterable<JobEvent> {
  try {
    return model.engine.submit(job, options)
  } catch (cause) {
    if (cause instanceof BusyError) throw busy(deps, cause)
    if (!(cause instanceof EngineError)) throw cause
    throw new ApiError(503, 'engine_unavailable', 'The engine is restarting. Try again.', {
      retryAfter: RETRY_AFTER,
      cause,
    })
  }
}

function busy(deps: Deps, cause: BusyError): ApiError {
  deps.metrics.rejected.inc({ reason: 'queue_full' })
  return new ApiError(429, 'queue_full', `${cause.message} Try again shortly.`, { retryAfter: RETRY_AFTER, cause })
}

function countPrompt(deps: Deps, turn: NewTurn, { prompt, prefix }: AcceptedEvent): void {
  const { metrics } = deps
  const cached = prefix?.cached ?? 0
  const saved = (turn.from?.position ?? 0) + cached
  const computed = (turn.from?.pending.length ?? 0) + prompt.length - cached
  if (prefix) metrics.resume.observe({ tier: prefix.tier }, prefix.seconds)
  metrics.promptTokens.inc(saved + computed)
  metrics.cacheQueries.inc(saved + computed)
  metrics.cacheHits.inc(saved)
  if (turn.from) metrics.resumeTokens.observe(computed)
}

/** Counts a reply as a success: for what is stored, once it is stored. */
export function countSuccess(deps: Deps, done: DoneEvent): void {
  deps.metrics.success.inc({ finished_reason: done.reason === 'length' ? 'length' : 'stop' })
}

function countReply(deps: Deps, done: DoneEvent): void {
  const { metrics } = deps
  metrics.generatedTokens.inc(done.generated.length)
  if (done.drafts) {
    metrics.drafts.inc(done.drafts.drafts)
    metrics.draftTokens.inc(done.drafts.tokens)
    metrics.acceptedTokens.inc(done.drafts.accepted)
  }
  if (done.exits) {
    metrics.exitDrafted.inc(done.exits.drafted)
    metrics.exitAccepted.inc(done.exits.accepted)
    metrics.exitUnverified.inc(done.exits.unverified)
  }
  for (const interval of done.intervals) metrics.betweenTokens.observe(interval / 1000)
}

function refusal(event: ErrorEvent, param: string): ApiError {
  const { code, message } = event
  if (code === 'prompt_too_long') return new ApiError(400, 'context_length_exceeded', message, { param })
  if (code === 'engine_not_loaded')
    return new ApiError(503, 'model_unavailable', message, { retryAfter: LOAD_RETRY_AFTER })
  if (code === 'engine_non_finite') {
    return new ApiError(500, 'model_error', 'The model produced numbers that are not finite; nothing was stored.', {
      cause: message,
    })
  }
  if (code === 'reader_too_slow') {
    return new ApiError(400, code, 'The reply was cut off: its log-probabilities were read more slowly than made.')
  }
  if (code === 'engine_failed')
    return new ApiError(500, 'engine_failed', 'The engine failed; nothing was stored.', { cause: message })
  const sentence =
    code === 'prompt_refused' ? `These messages cannot be put into the model's format: ${message}.` : message
  return new ApiError(400, 'invalid_prompt', sentence, { param })
}
