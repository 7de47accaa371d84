/** The routes that generate: completions, chat completions, responses. */
import type { Deps } from '../deps.ts'
import { check } from '../openai/body.ts'
import { completeChat, streamChat } from '../openai/chat.ts'
import { chatRequest } from '../openai/chat-schema.ts'
import { completeText, streamCompletion } from '../openai/completions.ts'
import { completionRequest } from '../openai/completions-schema.ts'
import { errorBody, toApiError } from '../openai/errors.ts'
import { respond, type Outcome } from '../openai/respond.ts'
import type { Frame } from '../openai/response-render.ts'
import { responseRequest } from '../openai/responses-schema.ts'
import { readJson, type App, type RequestContext } from './context.ts'
import { sendEvents } from './events.ts'

const DONE = 'data: [DONE]\n\n'

export function generateRoutes(app: App, deps: Deps): void {
  app.post('/v1/completions', async (c) => {
    const request = check(completionRequest, await readJson(c))
    if (request.stream !== true)
      return json(deps, c, (signal) => completeText(deps, request, { owner: c.get('owner'), signal }))
    return stream(deps, c, (signal) =>
      chunks(deps, c, streamCompletion(deps, request, { owner: c.get('owner'), signal })),
    )
  })
  app.post('/v1/chat/completions', async (c) => {
    const request = check(chatRequest, await readJson(c))
    if (request.stream !== true)
      return json(deps, c, (signal) => completeChat(deps, request, { owner: c.get('owner'), signal }))
    return stream(deps, c, (signal) => chunks(deps, c, streamChat(deps, request, { owner: c.get('owner'), signal })))
  })
  app.post('/v1/responses', async (c) => {
    const request = check(responseRequest, await readJson(c))
    const run = (signal: AbortSignal): AsyncGenerator<Frame, Outcome> =>
      respond(deps, request, {
        owner: c.get('owner'),
        requestId: c.get('requestId'),
        signal,
        local: new Map(),
        keepLocal: false,
      })
    if (request.stream !== true) return json(deps, c, (signal) => wholeResponse(run(signal)))
    return stream(deps, c, (signal) => frames(run(signal)))
  })
}

/** The answer once it is complete. */
async function json(deps: Deps, c: RequestContext, run: (signal: AbortSignal) => Promise<object>): Promise<Response> {
  const work = deps.lifecycle.begin(c.req.raw.signal)
  try {
    return c.json(await run(work.signal))
  } finally {
    work.done()
  }
}

/** The first event is waited for, so that an error that comes before it is an ordinary HTTP error. */
async function stream(
  deps: Deps,
  c: RequestContext,
  run: (signal: AbortSignal) => AsyncGenerator<string>,
): Promise<Response> {
  const work = deps.lifecycle.begin(c.req.raw.signal)
  try {
    const events = run(work.signal)
    const first = await events.next()
    return sendEvents(c, first.done ? '' : first.value, events, work)
  } catch (error) {
    work.done()
    throw error
  }
}

/** Chunks as events, with [DONE] at the end; an error after the first chunk is the last event before it. */
async function* chunks(deps: Deps, c: RequestContext, source: AsyncGenerator<object>): AsyncGenerator<string> {
  let begun = false
  try {
    for await (const chunk of source) {
      begun = true
      yield `data: ${JSON.stringify(chunk)}\n\n`
    }
  } catch (thrown) {
    if (!begun) throw thrown
    const error = toApiError(thrown, c.get('requestId'))
    if (error.status >= 500) deps.log.error({ err: thrown, request: c.get('requestId') }, 'a stream failed')
    yield `data: ${JSON.stringify(errorBody(error))}\n\n`
  }
  yield DONE
}

async function* frames(source: AsyncGenerator<Frame, Outcome>): AsyncGenerator<string> {
  for await (const frame of source) yield `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`
  yield DONE
}

async function wholeResponse(source: AsyncGenerator<Frame, Outcome>): Promise<object> {
  for (;;) {
    const { value, done } = await source.next()
    if (!done) continue
    if ('error' in value) throw value.error
    return value.response
  }
}
