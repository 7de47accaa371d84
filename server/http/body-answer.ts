/** Answers whose work the server waits for when it stops: a checked body in, JSON out. */
import type { z } from 'zod'
import type { Deps } from '../deps.ts'
import { check } from '../openai/body.ts'
import { ApiError } from '../openai/errors.ts'
import type { RequestContext } from './context.ts'
import { sendJson } from './json-answer.ts'
import { readJson } from './read-body.ts'

/** The `answer` of an endpoint. The signal of `run` aborts when the client has gone or the server cannot wait any longer. */
export function bodyAnswer<S extends z.ZodType>(
  deps: Deps,
  schema: S,
  run: (c: RequestContext, body: z.output<S>, signal: AbortSignal) => Promise<object>,
): (c: RequestContext) => Promise<Response> {
  return async (c) => {
    const body = check(schema, await readJson(c, deps.limits.bodyBytes))
    const work = deps.lifecycle.begin(c.req.raw.signal)
    try {
      return sendJson(c, await run(c, body, work.signal))
    } catch (cause) {
      if (deps.lifecycle.aborted) throw new ApiError(503, 'server_shutting_down', 'The server is stopping.', { cause })
      if (work.signal.aborted) throw new ApiError(499, 'cancelled', 'The request was cancelled.', { cause })
      throw cause
    } finally {
      work.done()
    }
  }
}
