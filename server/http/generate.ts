/** The endpoints that generate: completions, chat completions, responses. */
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { check } from '../openai/body.ts'
import { completeChat, streamChat } from '../openai/chat.ts'
import { chatRequest } from '../openai/chat-schema.ts'
import type { Progress, StatelessCaller } from '../openai/choices.ts'
import { completeText, streamCompletion } from '../openai/completions.ts'
import { completionRequest } from '../openai/completions-schema.ts'
import { errorBody, errorEvent, toApiError, type ApiError } from '../openai/errors.ts'
import { everySecond } from '../openai/every-second.ts'
import type { HeldReply } from '../openai/held-replies.ts'
import { respond, type Caller, type Outcome } from '../openai/respond.ts'
import type { Frame } from '../openai/response-render.ts'
import { jsonPieces } from '../openai/json-text.ts'
import { responseRequest } from '../openai/responses-schema.ts'
import { prepareModel } from '../run-turn.ts'
import { pickModel } from '../served-model.ts'
import type { RequestContext } from './context.ts'
import type { Endpoint } from './endpoint.ts'
import { sendEvents, type EventSource } from './events.ts'
import { grouped, sendJson } from './json-answer.ts'
import { readJson } from './read-body.ts'

const DONE = 'data: [DONE]\n\n'
/** Characters of a frame that are written at once. */
const PIECE = 64 * 1024

export function generateEndpoints(deps: Deps): Endpoint[] {
  const shared = { method: 'POST', access: 'api', whileStopping: false } as const
  return [
    {
      ...shared,
      path: '/v1/completions',
      summary: 'Continue text or token ids',
      body: completionRequest,
      answer: stateless(deps, completionRequest, streamCompletion, completeText),
    },
    {
      ...shared,
      path: '/v1/chat/completions',
      summary: 'Reply to messages',
      body: chatRequest,
      answer: stateless(deps, chatRequest, streamChat, completeChat),
    },
    {
      ...shared,
      path: '/v1/responses',
      summary: 'Reply and remember',
      body: responseRequest,
      async answer(c) {
        const request = check(responseRequest, await readJson(c, deps.limits.bodyBytes))
        const run = (signal: AbortSignal, held: HeldReply): AsyncGenerator<Frame | Progress, Outcome> =>
          respond(deps, request, callerOf(c, signal, held))
        if (request.stream !== true) return json(deps, c, (signal, held) => wholeResponse(run(signal, held)))
        return stream(deps, c, (signal, held) => frames(deps, c, run(signal, held)))
      },
    },
  ]
}

/** The answer of an endpoint that keeps nothing. */
function stateless<S extends z.ZodType<{ stream?: boolean | null | undefined; model?: string | null | undefined }>>(
  deps: Deps,
  schema: S,
  inChunks: (deps: Deps, request: z.output<S>, caller: StatelessCaller) => AsyncGenerator<object>,
  whole: (deps: Deps, request: z.output<S>, caller: StatelessCaller, held: HeldReply) => Promise<object>,
): Endpoint['answer'] {
  return async (c) => {
    const request = check(schema, await readJson(c, deps.limits.bodyBytes))
    const { owner } = c.get('holder')
    const model = pickModel(deps.models, request.model)
    async function* prepared(signal: AbortSignal): AsyncGenerator<object> {
      await prepareModel(deps, model, owner, signal)
      yield* inChunks(deps, request, { owner, signal })
    }
    if (request.stream === true) return stream(deps, c, (signal) => chunks(deps, c, prepared(signal)))
    return json(deps, c, async (signal, held) => {
      await prepareModel(deps, model, owner, signal)
      return whole(deps, request, { owner, signal }, held)
    })
  }
}

function callerOf(c: RequestContext, signal: AbortSignal, held: HeldReply): Caller {
  const { owner } = c.get('holder')
  return { owner, requestId: c.get('requestId'), origin: new URL(c.req.url).origin, signal, held, local: null }
}

/** The answer once it is complete. */
async function json(
  deps: Deps,
  c: RequestContext,
  run: (signal: AbortSignal, held: HeldReply) => Promise<object>,
): Promise<Response> {
  const work = deps.lifecycle.begin(c.req.raw.signal)
  const held = deps.replies.hold()
  try {
    return sendJson(c, await run(work.signal, held), () => held.release())
  } catch (error) {
    held.release()
    throw error
  } finally {
    work.done()
  }
}

async function stream(
  deps: Deps,
  c: RequestContext,
  run: (signal: AbortSignal, held: HeldReply) => EventSource,
): Promise<Response> {
  const client = deps.lifecycle.begin(c.req.raw.signal)
  const held = deps.replies.hold()
  const work = {
    ...client,
    done() {
      held.release()
      client.done()
    },
  }
  try {
    return await sendEvents(c, run(work.signal, held), work)
  } catch (error) {
    work.done()
    throw error
  }
}

/** Chunks as events, progress as comments, [DONE] at the end; an error is the last event before it. */
function chunks(deps: Deps, c: RequestContext, source: AsyncGenerator<object>): EventSource {
  const due = everySecond()
  async function* events(): AsyncGenerator<string> {
    for await (const chunk of source) {
      if (!isProgress(chunk)) yield `data: ${JSON.stringify(chunk)}\n\n`
      else if (due()) yield progressComment(chunk)
    }
    yield DONE
  }
  return { events: events(), failed: failure(deps, c, (error) => `data: ${JSON.stringify(errorBody(error))}\n\n`) }
}

function frames(deps: Deps, c: RequestContext, source: AsyncGenerator<Frame | Progress, Outcome>): EventSource {
  async function* events(): AsyncGenerator<string> {
    for await (const frame of source) {
      if (isProgress(frame)) yield progressComment(frame)
      else yield* frameText(frame)
    }
    yield DONE
  }
  const text = (error: ApiError): string => `event: error\ndata: ${JSON.stringify(errorEvent(error, 0))}\n\n`
  return { events: events(), failed: failure(deps, c, text) }
}

/** An event in pieces: the last ones repeat all log-probabilities. */
function* frameText(frame: Frame): Generator<string> {
  if (frame.type === 'response.output_text.delta') {
    yield `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`
    return
  }
  yield `event: ${frame.type}\ndata: `
  yield* grouped(jsonPieces(frame), PIECE)
  yield '\n\n'
}

function failure(deps: Deps, c: RequestContext, text: (error: ApiError) => string): (thrown: unknown) => string {
  return (thrown) => {
    const error = toApiError(thrown, c.get('requestId'))
    if (error.status >= 500) deps.log.error({ err: thrown, request: c.get('requestId') }, 'a stream failed')
    return text(error) + DONE
  }
}

function progressComment({ prefilled, total }: Progress): string {
  return `: prefilled ${prefilled} of ${total} tokens\n\n`
}

function isProgress(chunk: object): chunk is Progress {
  return (chunk as { kind?: unknown }).kind === 'progress'
}

async function wholeResponse(source: AsyncGenerator<Frame | Progress, Outcome>): Promise<object> {
  for (;;) {
    const { value, done } = await source.next()
    if (!done) continue
    if ('error' in value) throw value.error
    return value.response
  }
}
