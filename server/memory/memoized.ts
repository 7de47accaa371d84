/** A function of a word that is asked for the same words again and again. */

/** Words whose results are kept; then all are forgotten. */
const MOST = 50_000

export function memoized<Result>(of: (word: string) => Result): (word: string) => Result {
  const known = new Map<string, Result>()
  return (word) => {
    const before = known.get(word)
    if (before !== undefined) return before
    if (known.size >= MOST) known.clear()
    const result = of(word)
    known.set(word, result)
    return result
  }
}
