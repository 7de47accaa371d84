/** Language modelling: how many bits a byte of text costs, independent of the tokenizer. */
import { stat } from 'node:fs/promises'
import type { Decoder, State } from '../../runtime/decoder.ts'
import type { TextCodec } from '../../runtime/text.ts'
import { DataError } from '../data/batch.ts'
import { readText } from '../data/text-file.ts'

export interface TextResult {
  readonly bytes: number
  readonly tokens: number
  /** Sum of -log2 p over all tokens but the first, by the bytes of the text. */
  readonly bitsPerByte: number
  readonly perplexity: number
}

/** Tokens fed at a time; the state goes on, so the pieces do not matter. */
const PIECE = 256

/** Reads the file from its beginning to its end as one stream. */
export async function bitsPerByte(decoder: Decoder, codec: TextCodec, file: string): Promise<TextResult> {
  const { size } = await stat(file)
  let [state, nats, tokens]: [State, number, number] = [decoder.start(1), 0, 0]
  let before: number[] = []
  for (let at = 0; at < size;) {
    const { text, next } = await readText(file, at, size)
    const ids = [...before, ...codec.encode(text)]
    for (let from = 0; from + 1 < ids.length; from += PIECE) {
      const piece = ids.slice(from, Math.min(from + PIECE, ids.length - 1))
      const step = await decoder.run([piece], state)
      nats += surprise(step.logits.data as Float32Array, ids.slice(from + 1, from + 1 + piece.length), decoder.vocab)
      state = step.state
      tokens += piece.length
    }
    before = ids.slice(-1)
    at = next
  }
  if (tokens === 0) throw new DataError(`${file}: expected at least 2 tokens of text`)
  return { bytes: size, tokens, bitsPerByte: nats / Math.LN2 / size, perplexity: Math.exp(nats / tokens) }
}

/** Sum of -ln p(target) over rows of logits. */
function surprise(logits: Float32Array, targets: readonly number[], vocab: number): number {
  let sum = 0
  for (const [row, target] of targets.entries()) {
    const own = logits.subarray(row * vocab, (row + 1) * vocab)
    let highest = -Infinity
    for (const x of own) highest = Math.max(highest, x)
    let total = 0
    for (const x of own) total += Math.exp(x - highest)
    sum += highest + Math.log(total) - own[target]!
  }
  return sum
}
