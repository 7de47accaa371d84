/** A sequence under construction: tokens are pushed, and what should be predicted after the last one is noted. */
import type { Answer, Sequence } from './task.ts'

export class Draft {
  readonly #ids: number[] = []
  readonly #targets: number[] = []
  readonly #weights: number[] = []
  readonly #answers: Answer[] = []

  /** The position of the next token. */
  get length(): number {
    return this.#ids.length
  }

  push(...tokens: readonly number[]): void {
    for (const token of tokens) {
      this.#ids.push(token)
      this.#targets.push(0)
      this.#weights.push(0)
    }
  }

  /** Puts another token at a position. */
  replace(at: number, token: number): void {
    this.#ids[at] = token
  }

  /** The token to be predicted at a position (default: the last one): trained, not scored. */
  expect(token: number, at = this.length - 1): void {
    this.#targets[at] = token
    this.#weights[at] = 1
  }

  /** The tokens to be predicted one after another from the last position on; all but the last are pushed, as read back. */
  answer(tokens: readonly number[], distance = 0): void {
    const first = this.length - 1
    for (const [i, token] of tokens.entries()) {
      this.expect(token)
      if (i < tokens.length - 1) this.push(token)
    }
    this.#answers.push({ at: tokens.map((_, i) => first + i), distance })
  }

  /** The token to be predicted at a position that is there already. */
  answerAt(at: number, token: number, distance: number): void {
    this.expect(token, at)
    this.#answers.push({ at: [at], distance })
  }

  done(): Sequence {
    return { ids: this.#ids, targets: this.#targets, weights: this.#weights, answers: this.#answers }
  }
}
