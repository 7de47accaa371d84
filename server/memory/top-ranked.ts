/** The best few of many, as they come by. */
import { sorted, type Ranked } from './rank.ts'

export class TopRanked {
  readonly #most: number
  #found: Ranked[] = []
  #least = -Infinity

  constructor(most: number) {
    this.#most = most
  }

  /** What scores less than this is not among the best. */
  get least(): number {
    return this.#least
  }

  add(seq: number, score: number): void {
    this.#found.push({ seq, score })
    // Sorted now and then, not with each one: most of what comes later scores less.
    if (this.#found.length >= 4 * this.#most) this.#cut()
  }

  /** Best first; of equal scores the later memory. */
  sorted(): Ranked[] {
    this.#cut()
    return this.#found
  }

  #cut(): void {
    this.#found = sorted(this.#found).slice(0, this.#most)
    if (this.#found.length === this.#most) this.#least = this.#found.at(-1)?.score ?? -Infinity
  }
}

/** Of two vectors of the same length. */
export function innerProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}
