/** Language modelling: how many bits a byte of text costs, independent of the tokenizer, and how context lowers it. */
import type { Decoder, State } from '../../runtime/decoder.ts'
import type { TextCodec } from '../../runtime/text.ts'
import { openPlainText, passagesOf } from '../data/text-file.ts'
import { type TextResult, TextTally } from './text-tally.ts'

/** Tokens that are computed at a time; the state goes on, so how many does not matter. */
const stepTokens = 256

/**
 * Reads the file from its beginning to its end as one stream, whose state starts anew every `window` tokens (0: never).
 * `bitsPerByte` is the sum of -log2 p over all tokens but the first, by all bytes of the file.
 */
export async function bitsPerByte(
  decoder: Decoder,
  codec: TextCodec,
  file: string,
  window = 0,
  progress?: (done: number, of: number) => void,
): Promise<TextResult> {
  const source = await openPlainText(file)
  const tally = new TextTally()
  const bytesOf = byteCounter(codec)
  let [state, position]: [State, number] = [decoder.start(1), 0]
  let before: number[] = []
  let done = 0
  for await (const text of passagesOf(source)) {
    const ids = [...before, ...codec.encode(text)]
    if (before.length === 0 && ids.length > 0) bytesOf(ids[0]!)
    for (let from = 0; from + 1 < ids.length;) {
      if (window > 0 && position >= window) [state, position] = [decoder.start(1), 0]
      const room = window > 0 ? Math.min(stepTokens, window - position) : stepTokens
      const piece = ids.slice(from, Math.min(from + room, ids.length - 1))
      const targets = ids.slice(from + 1, from + 1 + piece.length)
      const step = await decoder.run([piece], state)
      const nats = surprise(step.logits.data as Float32Array, targets, decoder.vocab, codec.vocabSize)
      for (const [i, target] of targets.entries()) tally.add(position + i + 1, nats[i]!, bytesOf(target))
      state = step.state
      position += piece.length
      from += piece.length
    }
    before = ids.slice(-1)
    done += Buffer.byteLength(text)
    progress?.(done, source.size)
  }
  return tally.result(file, source.size, window, 'tokens')
}

/** Bytes of the text that each token of a stream completes. */
function byteCounter(codec: TextCodec): (id: number) => number {
  const detokenizer = codec.detokenizer()
  return (id) => Buffer.byteLength(detokenizer.push(id))
}

/** -ln p(target) of each row of `width` logits, of which `vocab` are tokens: as in serving, others are none. */
function surprise(logits: Float32Array, targets: readonly number[], width: number, vocab: number): number[] {
  return targets.map((target, row) => {
    const own = logits.subarray(row * width, row * width + vocab)
    let highest = -Infinity
    for (const x of own) highest = Math.max(highest, x)
    let total = 0
    for (const x of own) total += Math.exp(x - highest)
    return highest + Math.log(total) - own[target]!
  })
}
