/** Learns the merges of byte pair encoding (Sennrich, Haddow and Birch, "Neural machine translation of rare words", 2016). */
import { setImmediate } from 'node:timers/promises'

/** A merge: the tokens that are put together. */
export type Merge = readonly [left: string, right: string]

export interface BpeOptions {
  /** The tokens to begin with, one character each; ties between pairs go to the earlier ones. */
  readonly symbols: readonly string[]
  /** Tokens to learn. */
  readonly room: number
  readonly progress?: (learned: number, room: number) => void
}

/** A pair of tokens next to each other. */
interface Pair {
  readonly left: number
  readonly right: number
  /** How often it is in the text. */
  count: number
  /** Where its left token is or was. */
  positions: number[]
}

/** Merges between two reports, after which other work, as that of a signal, gets its turn. */
const reportEvery = 256
/** Ids of tokens are below this, so that a pair is one number. */
const mostTokens = 2 ** 24

/**
 * The most frequent pair is merged everywhere, again and again, until there are `room` new tokens or no pairs. `words`
 * have how often they are in the text. A merge costs its own occurrences only, so that one long word is no slower.
 */
export async function learnMerges(
  words: ReadonlyMap<string, number>,
  { symbols, room, progress }: BpeOptions,
): Promise<Merge[]> {
  const text = new WordTable(words, symbols)
  const tokens = [...symbols]
  const ids = new Map(tokens.map((token, id) => [token, id]))
  const merges: Merge[] = []
  while (tokens.length < symbols.length + room) {
    const pair = text.mostFrequent()
    if (pair === undefined) break
    const [left, right] = [tokens[pair.left]!, tokens[pair.right]!]
    // Two merges may make the same token: "th" + "e" and "t" + "he"
    const id = ids.get(left + right) ?? tokens.push(left + right) - 1
    ids.set(left + right, id)
    merges.push([left, right])
    text.merge(pair, id)
    if (merges.length % reportEvery > 0) continue
    progress?.(tokens.length - symbols.length, room)
    await setImmediate()
  }
  return merges
}

/** All different words as linked lists of tokens, and where every pair is. */
class WordTable {
  /** The token at each position; -1 where it was merged into the one before. */
  readonly #token: Int32Array
  /** The position of the token before and behind in the same word, or -1. */
  readonly #before: Int32Array
  readonly #behind: Int32Array
  /** How often the word of a position is in the text. */
  readonly #count: Int32Array
  readonly #pairs = new Map<number, Pair>()
  readonly #queue = new PairQueue()

  constructor(words: ReadonlyMap<string, number>, symbols: readonly string[]) {
    const ids = new Map(symbols.map((symbol, id) => [symbol, id]))
    const size = [...words.keys()].reduce((sum, word) => sum + word.length, 0)
    this.#token = new Int32Array(size)
    this.#before = new Int32Array(size)
    this.#behind = new Int32Array(size)
    this.#count = new Int32Array(size)
    let at = 0
    for (const [word, count] of words) {
      const [first, last] = [at, at + word.length - 1]
      for (const symbol of word) {
        this.#token[at] = ids.get(symbol)!
        this.#count[at] = count
        this.#before[at] = at === first ? -1 : at - 1
        this.#behind[at] = at === last ? -1 : at + 1
        if (at > first) this.#add(at - 1, this.#token[at - 1]!, this.#token[at]!)
        at++
      }
    }
    for (const pair of this.#pairs.values()) this.#queue.push(pair)
  }

  /** The pair that is to be merged next. */
  mostFrequent(): Pair | undefined {
    return this.#queue.pop()
  }

  /** Puts the token `id` in the place of every occurrence of the pair, from left to right. */
  merge(pair: Pair, id: number): void {
    const changed = new Set<Pair>()
    for (const at of Int32Array.from(pair.positions).toSorted()) {
      const next = this.#behind[at]!
      if (this.#token[at] !== pair.left || next === -1 || this.#token[next] !== pair.right) continue
      const [before, behind] = [this.#before[at]!, this.#behind[next]!]
      if (before !== -1) {
        this.#remove(at, this.#token[before]!, pair.left)
        changed.add(this.#add(before, this.#token[before]!, id))
      }
      if (behind !== -1) {
        this.#remove(at, pair.right, this.#token[behind]!)
        changed.add(this.#add(at, id, this.#token[behind]!))
        this.#before[behind] = at
      }
      this.#token[at] = id
      this.#token[next] = -1
      this.#behind[at] = behind
    }
    pair.count = 0
    pair.positions = []
    for (const one of changed) this.#queue.push(one)
  }

  #add(at: number, left: number, right: number): Pair {
    const key = left * mostTokens + right
    const pair = this.#pairs.get(key) ?? { left, right, count: 0, positions: [] }
    this.#pairs.set(key, pair)
    pair.count += this.#count[at]!
    pair.positions.push(at)
    return pair
  }

  #remove(at: number, left: number, right: number): void {
    this.#pairs.get(left * mostTokens + right)!.count -= this.#count[at]!
  }
}

/** A heap of pairs: the most frequent first, of equals the one with the smaller ids. */
class PairQueue {
  /** Pairs with the counts that they had when they were put in; they may have fewer now. */
  readonly #heap: { readonly pair: Pair; readonly count: number }[] = []

  push(pair: Pair): void {
    const { count } = pair
    if (count < 1) return
    const heap = this.#heap
    let at = heap.push({ pair, count }) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isFirst(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  pop(): Pair | undefined {
    for (;;) {
      const heap = this.#heap
      const top = heap[0]
      if (top === undefined) return undefined
      const last = heap.pop()!
      if (heap.length > 0) {
        heap[0] = last
        this.#sink()
      }
      if (top.count === top.pair.count) return top.pair
      if (top.pair.count < top.count) this.push(top.pair)
    }
  }

  #sink(): void {
    let at = 0
    for (;;) {
      let first = at
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.#heap.length && this.#isFirst(child, first)) first = child
      if (first === at) return
      this.#swap(at, first)
      at = first
    }
  }

  #isFirst(a: number, b: number): boolean {
    const [one, other] = [this.#heap[a]!, this.#heap[b]!]
    if (one.count !== other.count) return one.count > other.count
    return (
      one.pair.left - other.pair.left < 0 || (one.pair.left === other.pair.left && one.pair.right < other.pair.right)
    )
  }

  #swap(a: number, b: number): void {
    const kept = this.#heap[a]!
    this.#heap[a] = this.#heap[b]!
    this.#heap[b] = kept
  }
}
