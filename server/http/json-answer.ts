/** JSON answers: small ones whole, large ones piece by piece, as the client reads them. */
import { jsonPieces } from '../openai/json-text.ts'
import { openSink, type Sink } from './sink.ts'
import type { RequestContext } from './context.ts'

/** Characters that are written at once. */
const PIECE = 64 * 1024

/** The answer `value`. Calls `sent` when it is no longer held: it was handed over whole, sent, or the client has gone. */
export function sendJson(c: RequestContext, value: unknown, sent: () => void = () => undefined): Response {
  const pieces = grouped(jsonPieces(value), PIECE)
  const first = pieces.next()
  const second = pieces.next()
  const headers = { 'content-type': 'application/json' }
  if (first.done || second.done) {
    sent()
    return c.body(first.done ? '' : first.value, 200, headers)
  }
  const sink = openSink(c, headers)
  sink.onClose(sent)
  void write(sink, [first.value, second.value], pieces)
  return sink.response
}

async function write(sink: Sink, first: readonly string[], rest: Iterable<string>): Promise<void> {
  try {
    for (const piece of first) await sink.write(piece)
    for (const piece of rest) await sink.write(piece)
    sink.end()
  } catch {
    // The client has gone; `onClose` has been told.
  }
}

/** The same text in pieces of about `length` characters. */
export function* grouped(pieces: Iterable<string>, length: number): Generator<string> {
  let group: string[] = []
  let size = 0
  for (const piece of pieces) {
    group.push(piece)
    size += piece.length
    if (size < length) continue
    yield group.join('')
    group = []
    size = 0
  }
  if (size > 0) yield group.join('')
}
