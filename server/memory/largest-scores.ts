/** What can be among the largest of many scores that are only about right. */

export class LargestScores {
  /** A heap with its smallest first (Williams 1964). */
  readonly #heap: Float64Array
  readonly #margin: number
  readonly #items: number[] = []
  readonly #scores: number[] = []
  #size = 0
  #least = -Infinity

  /** `margin`: how much less a score may be than the last of the `most` largest. NaN: any. */
  constructor(most: number, margin: number) {
    this.#heap = new Float64Array(most)
    this.#margin = margin
  }

  add(item: number, score: number): void {
    // Written so that what cannot be compared is kept.
    if (score < this.#least) return
    this.#items.push(item)
    this.#scores.push(score)
    if (this.#size < this.#heap.length) this.#rise(score)
    else if (score > this.#heap[0]!) this.#sink(score)
    if (this.#size === this.#heap.length) this.#least = this.#heap[0]! - this.#margin
  }

  /** Adds items `first`, `first + 1`, ... with the first `count` scores. */
  addAll(first: number, scores: Float32Array, count: number): void {
    // Most are too small: they are passed over in one loop, without a call for each.
    for (let i = 0; i < count; i++) if (!(scores[i]! < this.#least)) this.add(first + i, scores[i]!)
  }

  /** In the order in which they were added. */
  items(): number[] {
    return this.#items.filter((_, at) => !(this.#scores[at]! < this.#least))
  }

  /** The same, each with its score. */
  entries(): [item: number, score: number][] {
    const entries = this.#items.map((item, at): [number, number] => [item, this.#scores[at]!])
    return entries.filter(([, score]) => !(score < this.#least))
  }

  #rise(score: number): void {
    const heap = this.#heap
    let at = this.#size++
    for (let parent = (at - 1) >> 1; at > 0 && heap[parent]! > score; parent = (at - 1) >> 1) {
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = score
  }

  /** Puts it in the place of the smallest. */
  #sink(score: number): void {
    const heap = this.#heap
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child++
      if (heap[child]! >= score) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = score
  }
}
