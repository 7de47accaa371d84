/** Log-probabilities as /v1/completions has them: four parallel lists, continued from piece to piece of a reply. */
import type { TokenText } from '../engine/messages.ts'
import type { Piece } from './choices.ts'
import { tokenString } from './token-string.ts'

export interface Columns {
  readonly tokens: string[]
  /** Null for a prompt's first token, which nothing predicts. */
  readonly token_logprobs: (number | null)[]
  readonly top_logprobs: (Record<string, number> | null)[]
  /** Where in the reply's text each token begins. */
  readonly text_offset: number[]
}

export class LogprobColumns {
  // Tokens of one character begin where that does.
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  #offset = 0

  /** The lists of the reply's next tokens. */
  next(tokens: Piece['tokens']): Columns {
    return {
      tokens: tokens.map(nameOf),
      token_logprobs: tokens.map((token) => token.logprob),
      top_logprobs: tokens.map((token) =>
        token.logprob === null ? null : Object.fromEntries(token.top.map((t) => [nameOf(t), t.logprob])),
      ),
      text_offset: tokens.map((token) => this.#advance(token.bytes)),
    }
  }

  /** The offset of a token; moves on to where the next one begins. */
  #advance(bytes: readonly number[]): number {
    const here = this.#offset
    this.#offset += this.#decoder.decode(Uint8Array.from(bytes), { stream: true }).length
    return here
  }
}

function nameOf({ bytes }: Pick<TokenText, 'bytes'>): string {
  return tokenString(bytes, 'bytes:')
}
