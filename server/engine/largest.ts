/** The largest of a row of numbers, found without sorting it. Ties go to the lower index. */

/**
 * The index of the largest number. Throws what `refuse` makes of a number that is NaN or +Infinity, or of -Infinity if
 * there is nothing else. Numbers are compared in groups of eight: in most groups none is larger than what was found.
 */
export function argmax(values: Float32Array, refuse: (value: number) => Error): number {
  let [max, best] = [-Infinity, -1]
  const whole = values.length & ~7
  for (let at = 0; at < whole; at += 8) {
    if (
      (values[at] as number) <= max &&
      (values[at + 1] as number) <= max &&
      (values[at + 2] as number) <= max &&
      (values[at + 3] as number) <= max &&
      (values[at + 4] as number) <= max &&
      (values[at + 5] as number) <= max &&
      (values[at + 6] as number) <= max &&
      (values[at + 7] as number) <= max
    )
      continue
    for (let i = at; i < at + 8; i++) {
      const value = values[i] as number
      if (value > max) {
        max = value
        best = i
      } else if (!(value <= max)) throw refuse(value)
    }
  }
  for (let i = whole; i < values.length; i++) {
    const value = values[i] as number
    if (value > max) {
      max = value
      best = i
    } else if (!(value <= max)) throw refuse(value)
  }
  if (best < 0 || max === Infinity) throw refuse(max)
  return best
}

/** The indices of the `count` largest numbers, largest first, in memory that is kept between calls. */
export class LargestOf {
  /** A binary heap whose root is the number that goes next: the smallest, and of equal ones the last. */
  #heap = new Int32Array(0)

  /** The result is valid until the next call. */
  find(values: Float32Array, count: number): Int32Array {
    const size = Math.min(count, values.length)
    if (this.#heap.length < size) this.#heap = new Int32Array(size)
    if (size === 0) return this.#heap.subarray(0, 0)
    const heap = this.#heap
    for (let at = 0; at < size; at++) heap[at] = at
    for (let at = (size >> 1) - 1; at >= 0; at--) sink(heap, values, at, size)
    let floor = values[heap[0] as number] as number
    for (let at = size; at < values.length; at++) {
      // In most groups of four no number is larger than the smallest of those that were found.
      while (
        at + 3 < values.length &&
        (values[at] as number) <= floor &&
        (values[at + 1] as number) <= floor &&
        (values[at + 2] as number) <= floor &&
        (values[at + 3] as number) <= floor
      )
        at += 4
      if (!((values[at] as number) > floor)) continue
      heap[0] = at
      sink(heap, values, 0, size)
      floor = values[heap[0]] as number
    }
    for (let end = size - 1; end > 0; end--) {
      const root = heap[0] as number
      heap[0] = heap[end] as number
      heap[end] = root
      sink(heap, values, 0, end)
    }
    return heap.subarray(0, size)
  }
}

/** Whether number `a` goes before number `b` when one has to go. */
function weaker(values: Float32Array, a: number, b: number): boolean {
  const x = values[a] as number
  const y = values[b] as number
  return x < y || (x === y && a > b)
}

function sink(heap: Int32Array, values: Float32Array, from: number, size: number): void {
  let at = from
  const item = heap[at] as number
  for (;;) {
    let child = 2 * at + 1
    if (child >= size) break
    if (child + 1 < size && weaker(values, heap[child + 1] as number, heap[child] as number)) child++
    if (!weaker(values, heap[child] as number, item)) break
    heap[at] = heap[child] as number
    at = child
  }
  heap[at] = item
}
