/** Server-sent events: the JSON of each `data:` up to [DONE]. */
import { MnemeError } from './error.ts'

/** Yields what the body's events carry. Ending it early closes the connection, which cancels the reply. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { value, done } = await reader.read()
      if (done) throw new MnemeError('The stream ended before its reply did.', { code: 'stream_ended' })
      const events = (rest + decoder.decode(value, { stream: true })).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        const data = dataOf(event)
        if (data === '[DONE]') return
        if (data !== '') yield JSON.parse(data)
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function dataOf(event: string): string {
  return event
    .split('\n')
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n')
}
