/** Server-sent events with backpressure: a slow reader slows us, one that has stopped reading is let go. */
import type { Deps } from '../deps.ts'
import type { RequestContext } from './context.ts'

/** A comment is sent when nothing else has been for so long, so that proxies keep the connection. */
const PING_MS = 15_000
/** A reader that takes nothing for so long is gone. */
const STALL_MS = 60_000

/**
 * A streaming answer of `first` and then what `rest` yields, each as one event. When the client goes away `rest` is
 * ended, and `abort` is called so that what feeds it stops.
 */
export function sendEvents(
  deps: Deps,
  c: RequestContext,
  events: AsyncIterator<string>,
  first: string,
  abort: (reason?: unknown) => void,
): Response {
  const done = deps.lifecycle.begin()
  const encoder = new TextEncoder()
  const body = new TransformStream<Uint8Array, Uint8Array>()
  const writer = body.writable.getWriter()
  const write = (text: string): Promise<void> => patient(writer.write(encoder.encode(text)), STALL_MS)

  const pump = async (): Promise<void> => {
    // Its own write fails only when the stream has ended, which the next event finds out.
    const ping = setInterval(() => void writer.write(encoder.encode(': ping\n\n')).catch(() => undefined), PING_MS)
    try {
      await write(first)
      for (let next = await events.next(); !next.done; next = await events.next()) await write(next.value)
      await patient(writer.close(), STALL_MS)
    } catch (error) {
      abort(error)
      await writer.abort(error).catch(() => undefined)
    } finally {
      clearInterval(ping)
      done()
      await events.return?.()
    }
  }
  writer.closed.catch(abort)
  void pump()
  const headers = {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'x-accel-buffering': 'no',
  }
  return c.body(body.readable, 200, headers)
}

async function patient<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the reader has stopped reading')), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
