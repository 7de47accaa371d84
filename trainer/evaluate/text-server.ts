/** Language modelling by a running server, which says what each token of a prompt costs. */
import type { ByteSource } from '../data/byte-source.ts'
import { openPlainText, passagesOf } from '../data/text-file.ts'
import { echoed } from './likelihood.ts'
import type { ServerClient } from './server-client.ts'
import { type TextResult, TextTally } from './text-tally.ts'

/** Prompts of one request. */
const PROMPTS = 8

/**
 * Sends the file in pieces of at most `window` characters, each from zero state, and adds up what the server says of all
 * tokens of a piece but its first. Bits per byte count the bytes of those tokens only.
 */
export async function serverBitsPerByte(
  client: ServerClient,
  file: string,
  window: number,
  progress?: (done: number, of: number) => void,
): Promise<TextResult> {
  const source = await openPlainText(file)
  const tally = new TextTally()
  let bytes = 0
  let waiting: string[] = []
  const ask = async (): Promise<void> => {
    const { found } = await echoed(client, waiting)
    for (const [index, { token_logprobs: logprobs, text_offset: offsets }] of found.entries())
      for (const [i, logprob] of logprobs.entries()) {
        if (logprob === null) continue
        const token = waiting[index]!.slice(offsets[i], offsets[i + 1])
        tally.add(i, -logprob, Buffer.byteLength(token))
        bytes += Buffer.byteLength(token)
      }
    waiting = []
    progress?.(bytes, source.size)
  }
  for await (const piece of piecesOf(source, window)) {
    waiting.push(piece)
    if (waiting.length === PROMPTS) await ask()
  }
  if (waiting.length > 0) await ask()
  return tally.result(file, bytes, window, 'characters')
}

/** The text in pieces of `window` characters, the last one shorter; a surrogate pair is not cut. */
async function* piecesOf(source: ByteSource, window: number): AsyncGenerator<string> {
  let rest = ''
  for await (const text of passagesOf(source)) {
    rest += text
    while (rest.length > window) {
      const end = /[\uD800-\uDBFF]/.test(rest[window - 1]!) ? window - 1 : window
      yield rest.slice(0, end)
      rest = rest.slice(end)
    }
  }
  if (rest !== '') yield rest
}
