/** Language modelling: how many bits a byte of text costs, independent of the tokenizer, and how context lowers it. */
import { stat } from 'node:fs/promises'
import type { Decoder, State } from '../../runtime/decoder.ts'
import type { TextCodec } from '../../runtime/text.ts'
import { DataError } from '../data/batch.ts'
import { readText } from '../data/text-file.ts'
import { percent } from './interval.ts'

export interface TextCost {
  readonly tokens: number
  readonly bytes: number
  readonly bitsPerByte: number
  /** A token. */
  readonly perplexity: number
}

export interface TextResult extends TextCost {
  /** Tokens after which the state starts anew; 0: never. */
  readonly window: number
  /** The cost of tokens that have `from` to `to` tokens before them, in powers of two. */
  readonly positions: readonly (TextCost & { readonly from: number; readonly to: number })[]
}

/** Tokens fed at a time; the state goes on, so the pieces do not matter. */
const PIECE = 256

interface Sum {
  nats: number
  tokens: number
  bytes: number
}

/**
 * Reads the file from its beginning to its end as one stream, whose state starts anew every `window` tokens (0: never).
 * `bitsPerByte` is the sum of -log2 p over all tokens but the first, by all bytes of the file.
 */
export async function bitsPerByte(decoder: Decoder, codec: TextCodec, file: string, window = 0): Promise<TextResult> {
  const { size } = await stat(file)
  const bins = new Map<number, Sum>()
  const bytesOf = byteCounter(codec)
  let [state, position]: [State, number] = [decoder.start(1), 0]
  let before: number[] = []
  for (let at = 0; at < size;) {
    const { text, next } = await readText(file, at, size)
    const ids = [...before, ...codec.encode(text)]
    if (before.length === 0 && ids.length > 0) bytesOf(ids[0]!)
    for (let from = 0; from + 1 < ids.length;) {
      if (window > 0 && position >= window) [state, position] = [decoder.start(1), 0]
      const room = window > 0 ? Math.min(PIECE, window - position) : PIECE
      const piece = ids.slice(from, Math.min(from + room, ids.length - 1))
      const targets = ids.slice(from + 1, from + 1 + piece.length)
      const step = await decoder.run([piece], state)
      const nats = surprise(step.logits.data as Float32Array, targets, decoder.vocab)
      for (const [i, target] of targets.entries()) add(bins, position + i + 1, nats[i]!, bytesOf(target))
      state = step.state
      position += piece.length
      from += piece.length
    }
    before = ids.slice(-1)
    at = next
  }
  const all = [...bins.values()].reduce(plus, { nats: 0, tokens: 0, bytes: 0 })
  if (all.tokens === 0) throw new DataError(`${file}: expected at least 2 tokens of text`)
  const positions = [...bins].toSorted(([a], [b]) => a - b)
  return {
    ...costOf({ ...all, bytes: size }),
    window,
    positions: positions.map(([from, sum]) => ({
      from,
      to: window === 0 ? 2 * from - 1 : Math.min(2 * from - 1, window),
      ...costOf(sum),
    })),
  }
}

/** The whole text's cost in a line, and a Markdown table by position. */
export function textTable(file: string, result: TextResult): string {
  const { bitsPerByte: bits, perplexity, bytes, tokens, window, positions } = result
  const state = window === 0 ? 'one stream' : `state from zero every ${window} tokens`
  return [
    `${file}: ${bits.toFixed(4)} bits per byte, perplexity ${perplexity.toFixed(3)} a token ` +
      `(${bytes} bytes, ${tokens} tokens, ${state})`,
    '',
    '| tokens before | bits per byte | perplexity a token | share of tokens, percent |',
    '| --- | ---: | ---: | ---: |',
    ...positions.map(
      (p) =>
        `| ${p.from} to ${p.to} | ${p.bitsPerByte.toFixed(4)} | ${p.perplexity.toFixed(3)} | ${percent(p.tokens / tokens)} |`,
    ),
  ].join('\n')
}

function costOf({ nats, tokens, bytes }: Sum): TextCost {
  // Bytes of a character belong to the token that ends it, so a few tokens may have none
  return { tokens, bytes, bitsPerByte: nats / Math.LN2 / Math.max(1, bytes), perplexity: Math.exp(nats / tokens) }
}

/** Bytes of the text that each token of a stream completes. */
function byteCounter(codec: TextCodec): (id: number) => number {
  const detokenizer = codec.detokenizer()
  return (id) => Buffer.byteLength(detokenizer.push(id))
}

function add(bins: Map<number, Sum>, position: number, nats: number, bytes: number): void {
  const from = 2 ** Math.floor(Math.log2(position))
  bins.set(from, plus(bins.get(from) ?? { nats: 0, tokens: 0, bytes: 0 }, { nats, tokens: 1, bytes }))
}

function plus(a: Sum, b: Sum): Sum {
  return { nats: a.nats + b.nats, tokens: a.tokens + b.tokens, bytes: a.bytes + b.bytes }
}

/** -ln p(target) of each row of logits. */
function surprise(logits: Float32Array, targets: readonly number[], vocab: number): number[] {
  return targets.map((target, row) => {
    const own = logits.subarray(row * vocab, (row + 1) * vocab)
    let highest = -Infinity
    for (const x of own) highest = Math.max(highest, x)
    let total = 0
    for (const x of own) total += Math.exp(x - highest)
    return highest + Math.log(total) - own[target]!
  })
}
