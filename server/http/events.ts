/** Server-sent events: headers at once, comments while nothing happens, errors as a last event. */
import type { Work } from '../lifecycle.ts'
import { ClientGoneError, openSink, type Sink } from './sink.ts'
import type { RequestContext } from './context.ts'

/** A comment is sent so often, so that proxies keep a connection on which nothing else happens. */
const PING_MS = 15_000
const PING = ': ping\n\n'
/** What goes wrong within this time is an ordinary HTTP error; afterwards the headers have been sent. */
const HEADERS_MS = 500

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache',
  'x-accel-buffering': 'no',
}

export interface EventSource {
  /** Each item is the text of some events. */
  readonly events: AsyncIterator<string>
  /** The text of the last events when `events` failed. */
  readonly failed: (thrown: unknown) => string
}

/** The streaming answer of `source`. Throws what `events` throws at once. Ends `work`. */
export async function sendEvents(c: RequestContext, source: EventSource, work: Work): Promise<Response> {
  const first = source.events.next()
  const known = await settlesWithin(first, HEADERS_MS)
  const sink = openSink(c, HEADERS)
  sink.onClose(() => work.abort())
  void pump(sink, first, source, known).finally(() => {
    work.done()
    void source.events.return?.()
  })
  return sink.response
}

async function pump(
  sink: Sink,
  first: Promise<IteratorResult<string>>,
  { events, failed }: EventSource,
  known: boolean,
): Promise<void> {
  // Large events come in several pieces, between which there is no room for a comment.
  let between = true
  const comment = (): void => {
    if (between) void sink.write(PING).catch(() => undefined)
  }
  if (!known) comment()
  const ping = setInterval(comment, PING_MS)
  try {
    for (let next = await first; !next.done; next = await events.next()) {
      between = next.value.endsWith('\n\n')
      await sink.write(next.value)
    }
  } catch (thrown) {
    if (!(thrown instanceof ClientGoneError)) await sink.write(failed(thrown)).catch(() => undefined)
  } finally {
    clearInterval(ping)
    sink.end()
  }
}

/** Whether `work` is done within `ms`. Throws what it throws by then. */
async function settlesWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => (timer = setTimeout(resolve, ms, false)))
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
