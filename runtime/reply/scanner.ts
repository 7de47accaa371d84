/** Looks for delimiters in text that comes in pieces of any length. */
import { unfinishedMark } from './mark.ts'

export interface Found {
  /** The text before the delimiter, or all that is certain to begin none. */
  readonly text: string
  /** Null if none of them has come yet. */
  readonly delimiter: string | null
}

export class Scanner {
  #held = ''

  push(text: string): void {
    this.#held += text
  }

  /** Takes the text up to the first of `delimiters` with it; without one, what cannot be the beginning of one. */
  next(delimiters: readonly string[]): Found {
    const held = this.#held
    let at = -1
    let delimiter: string | null = null
    for (const one of delimiters) {
      const found = held.indexOf(one)
      if (found < 0 || (at >= 0 && (found > at || (found === at && one.length < (delimiter ?? '').length)))) continue
      at = found
      delimiter = one
    }
    const kept = Math.max(unfinishedMark(held), ...delimiters.map((one) => overlap(held, one)))
    const end = delimiter === null ? held.length - kept : at
    this.#held = held.slice(end + (delimiter ?? '').length)
    return { text: held.slice(0, end), delimiter }
  }

  /** What has not been taken yet. */
  get held(): string {
    return this.#held
  }

  /** Takes everything. */
  rest(): string {
    const rest = this.#held
    this.#held = ''
    return rest
  }
}

/** Length of the longest proper prefix of `delimiter` that `text` ends with. */
function overlap(text: string, delimiter: string): number {
  for (let length = Math.min(text.length, delimiter.length - 1); length > 0; length--) {
    if (text.endsWith(delimiter.slice(0, length))) return length
  }
  return 0
}
