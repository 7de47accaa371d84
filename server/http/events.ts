/** Server-sent events with backpressure: a slow reader slows us, one that has stopped reading is let go. */
import type { Work } from '../lifecycle.ts'
import type { RequestContext } from './context.ts'

/** A comment is sent every so often, so that proxies keep a connection on which nothing happens. */
const PING_MS = 15_000
/** A reader that takes nothing for so long is gone. */
const STALL_MS = 60_000

/** A streaming answer of `first` and then what `rest` yields, each as one event. Ends `work`. */
export function sendEvents(c: RequestContext, first: string, rest: AsyncIterator<string>, work: Work): Response {
  const encoder = new TextEncoder()
  const body = new TransformStream<Uint8Array, Uint8Array>()
  const writer = body.writable.getWriter()
  const write = (text: string): Promise<void> => patient(writer.write(encoder.encode(text)), STALL_MS)

  const pump = async (): Promise<void> => {
    // A ping's own write fails only when the stream has ended, which the next event finds out.
    const ping = setInterval(() => void writer.write(encoder.encode(': ping\n\n')).catch(() => undefined), PING_MS)
    try {
      await write(first)
      for (let next = await rest.next(); !next.done; next = await rest.next()) await write(next.value)
      await patient(writer.close(), STALL_MS)
    } catch (error) {
      work.abort()
      await writer.abort(error).catch(() => undefined)
    } finally {
      clearInterval(ping)
      work.done()
      await rest.return?.()
    }
  }
  writer.closed.catch(() => work.abort())
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
