/** Where the last tokens of a text occurred before, for prompt lookup decoding: O(1) a token, in bounded memory. */

/** Tokens that are remembered; older ones are forgotten. A power of two. */
const MOST_TOKENS = 1 << 16
const FEWEST_TOKENS = 1 << 10
/** Lengths of the n-grams that are looked up, the longest first. */
const ORDERS = [4, 3, 2] as const

export class NgramIndex {
  /** Tokens pushed in all. Positions count from the first one. */
  #count = 0
  /** The latest tokens: the one at position p is in `#tokens[p & mask]`. */
  #tokens = new Int32Array(FEWEST_TOKENS)
  /** For each order, by the hash of an n-gram: the position after its latest occurrence; 0: none. */
  #after = tablesOf(FEWEST_TOKENS)
  /** The position after the occurrence that is followed. */
  #next = 0
  #matched = 0

  get count(): number {
    return this.#count
  }

  /** How many of the last tokens are the same as those before `next`, as far as that is known; 0: there is no match. */
  get matched(): number {
    return this.#matched
  }

  /** The position of the token that is predicted to come next, where there is a match. */
  get next(): number {
    return this.#next
  }

  push(token: number): void {
    const follows = this.#matched > 0 && this.#at(this.#next) === token
    this.#append(token)
    this.#next++
    this.#matched = follows && this.#isKept(this.#next) ? this.#matched + 1 : 0
    for (const [at, order] of ORDERS.entries()) {
      if (this.#count < order) continue
      const table = this.#after[at] as Int32Array
      const slot = this.#slot(this.#count, order, table.length)
      const candidate = table[slot] as number
      table[slot] = this.#count
      if (this.#matched >= order || candidate === 0 || !this.#isSame(candidate, order)) continue
      this.#next = candidate
      this.#matched = order
    }
  }

  /** Predicts what stands at `position`, as if `matched` tokens before it were the same as the last ones. */
  follow(position: number, matched: number): void {
    this.#next = position
    this.#matched = this.#isKept(position) && position < this.#count ? matched : 0
  }

  /** The next `length` tokens as they followed the match. A match that reaches into the last tokens is a repetition. */
  predict(length: number): number[] {
    const found: number[] = []
    if (this.#matched === 0) return found
    for (let at = this.#next; found.length < length; at++)
      found.push(at < this.#count ? this.#at(at) : (found[at - this.#count] as number))
    return found
  }

  #at(position: number): number {
    return this.#tokens[position & (this.#tokens.length - 1)] as number
  }

  #isKept(position: number): boolean {
    return this.#count - position < this.#tokens.length
  }

  #append(token: number): void {
    if (this.#count === this.#tokens.length && this.#count < MOST_TOKENS) this.#grow()
    this.#tokens[this.#count & (this.#tokens.length - 1)] = token
    this.#count++
  }

  /** Twice the memory, with the same tokens. */
  #grow(): void {
    const before = this.#tokens
    this.#tokens = new Int32Array(before.length * 2)
    this.#tokens.set(before)
    this.#after = tablesOf(this.#tokens.length)
    for (const [at, order] of ORDERS.entries()) {
      const table = this.#after[at] as Int32Array
      for (let end = order; end <= this.#count; end++) table[this.#slot(end, order, table.length)] = end
    }
  }

  /** Whether the n-grams before `position` and at the end are the same. */
  #isSame(position: number, order: number): boolean {
    if (!this.#isKept(position - order)) return false
    for (let back = 1; back <= order; back++)
      if (this.#at(position - back) !== this.#at(this.#count - back)) return false
    return true
  }

  /** The place in a table of the n-gram before `end`. */
  #slot(end: number, order: number, size: number): number {
    let hash = 0
    for (let back = order; back > 0; back--) hash = Math.imul(hash ^ this.#at(end - back), 0x9e3779b1)
    return (hash ^ (hash >>> 15)) & (size - 1)
  }
}

function tablesOf(size: number): Int32Array[] {
  return ORDERS.map(() => new Int32Array(size))
}
