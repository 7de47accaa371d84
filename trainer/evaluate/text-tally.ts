/** Adds up what tokens of a text cost, by how many came before them. */
import { DataError } from '../data/batch.ts'
import { percent } from './interval.ts'

export interface TextCost {
  readonly tokens: number
  readonly bytes: number
  readonly bitsPerByte: number
  /** A token. */
  readonly perplexity: number
}

export interface TextResult extends TextCost {
  /** Tokens after which the state begins from zero, or characters where a server was asked; 0: never. */
  readonly window: number
  readonly unit: 'tokens' | 'characters'
  /** The cost of tokens that have `from` to `to` tokens before them, in powers of two. */
  readonly positions: readonly (TextCost & { readonly from: number; readonly to: number })[]
}

interface Sum {
  nats: number
  tokens: number
  bytes: number
}

export class TextTally {
  readonly #bins = new Map<number, Sum>()

  /** Adds a token that has `position` tokens before it, costs `nats` and completes `bytes` of the text. */
  add(position: number, nats: number, bytes: number): void {
    const from = 2 ** Math.floor(Math.log2(position))
    this.#bins.set(from, plus(this.#bins.get(from) ?? { nats: 0, tokens: 0, bytes: 0 }, { nats, tokens: 1, bytes }))
  }

  /** The cost by all `bytes` of `file`. Throws DataError where there were no tokens. */
  result(file: string, bytes: number, window: number, unit: TextResult['unit']): TextResult {
    const all = [...this.#bins.values()].reduce(plus, { nats: 0, tokens: 0, bytes: 0 })
    if (all.tokens === 0) throw new DataError(`${file}: expected at least 2 tokens of text`)
    const most = unit === 'tokens' && window > 0 ? window : Infinity
    return {
      ...costOf({ ...all, bytes }),
      window,
      unit,
      positions: [...this.#bins]
        .toSorted(([a], [b]) => a - b)
        .map(([from, sum]) => ({ from, to: Math.min(2 * from - 1, most), ...costOf(sum) })),
    }
  }
}

/** The whole text's cost in a line, and a Markdown table by position. */
export function textTable(file: string, result: TextResult): string {
  const { bitsPerByte: bits, perplexity, bytes, tokens, window, unit, positions } = result
  const state = window === 0 ? 'one stream' : `state from zero every ${window} ${unit}`
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

function plus(a: Sum, b: Sum): Sum {
  return { nats: a.nats + b.nats, tokens: a.tokens + b.tokens, bytes: a.bytes + b.bytes }
}
