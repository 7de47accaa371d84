/** The fewest tokens that hold a share of the weight, found without sorting. */

/**
 * Moves to the front of `ids` the fewest of them, the likeliest, whose weights reach `wanted` together, and returns how
 * many there are and what they weigh. At least one, if there is one. Ties go to the lower id. Weighted quickselect: about three
 * times as many steps as there are ids, whatever the weights.
 */
export function nucleus(ids: Int32Array, weights: Float32Array, wanted: number): { size: number; weight: number } {
  let from = 0
  let to = ids.length
  let taken = 0
  // What is before `from` belongs to the nucleus, and what is from `to` on does not.
  while (to - from > 1) {
    const pivot = median(ids, weights, from, (from + to) >> 1, to - 1)
    const split = partition(ids, weights, from, to, pivot)
    let front = 0
    for (let at = from; at < split; at++) front += weights[ids[at] as number] as number
    if (taken + front >= wanted) to = split
    else {
      taken += front
      from = split
    }
  }
  if (from < to && (taken < wanted || from === 0)) taken += weights[ids[from++] as number] as number
  return { size: from, weight: taken }
}

/** Whether `a` goes before `b`. */
function before(weights: Float32Array, a: number, b: number): boolean {
  const x = weights[a] as number
  const y = weights[b] as number
  return x > y || (x === y && a < b)
}

function median(ids: Int32Array, weights: Float32Array, i: number, j: number, k: number): number {
  const a = ids[i] as number
  const b = ids[j] as number
  const c = ids[k] as number
  if (before(weights, a, b)) return before(weights, b, c) ? b : before(weights, a, c) ? c : a
  return before(weights, a, c) ? a : before(weights, b, c) ? c : b
}

/**
 * Puts the ids that do not go after `pivot` before the others and returns where the others begin. There is at least one
 * on each side, since the pivot is the middle of three: with two ids it is the first of them.
 */
function partition(ids: Int32Array, weights: Float32Array, from: number, to: number, pivot: number): number {
  let left = from
  let right = to - 1
  for (;;) {
    while (left <= right && !before(weights, pivot, ids[left] as number)) left++
    while (left <= right && before(weights, pivot, ids[right] as number)) right--
    if (left >= right) break
    const id = ids[left] as number
    ids[left] = ids[right] as number
    ids[right] = id
  }
  return left === to ? to - 1 : left
}
