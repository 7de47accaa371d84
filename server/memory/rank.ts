/** How memories are ranked: by words, by vectors, and by both. */

/** Constants of BM25 (Robertson & Zaragoza 2009, The Probabilistic Relevance Framework), as SQLite's FTS5 has them. */
const K1 = 1.2
const B = 0.75
/** Of reciprocal rank fusion (Cormack, Clarke & Büttcher 2009, SIGIR). */
const RANK_CONSTANT = 60
/** Places of a list whose scores are added to those of other lists: words in common put much of a store behind them. */
const ADDED_UP = 16

/** Where a word occurs: in a text of `length` words, `count` times. */
export interface Posting {
  readonly seq: number
  readonly count: number
  readonly length: number
}

export interface Ranked {
  readonly seq: number
  readonly score: number
}

/** BM25 of texts that have at least one of the words. `texts` there are in all, of `words` words together. */
export function scoreByWords(
  postings: readonly (readonly Posting[])[],
  texts: number,
  words: number,
): Map<number, number> {
  const scores = new Map<number, number>()
  const average = Math.max(1, words / Math.max(1, texts))
  for (const list of postings) {
    const rarity = Math.log(1 + (texts - list.length + 0.5) / (list.length + 0.5))
    for (const { seq, count, length } of list) {
      const weight = (count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / average))
      scores.set(seq, (scores.get(seq) ?? 0) + rarity * weight)
    }
  }
  return scores
}

/** The `most` best of memories with their scores, best first; of equal scores the later memory. */
export function best(seqs: readonly number[], scores: Float64Array, most: number): Ranked[] {
  // Only those that can be among the best are made objects and sorted as such.
  const least = scores.length > most ? scores.toSorted()[scores.length - most]! : -Infinity
  const found: Ranked[] = []
  for (let at = 0; at < scores.length; at++)
    if (scores[at]! >= least) found.push({ seq: seqs[at]!, score: scores[at]! })
  return sorted(found).slice(0, most)
}

/** Best first; of equal scores the later memory. */
export function sorted(ranked: readonly Ranked[]): Ranked[] {
  return ranked.toSorted((a, b) => b.score - a.score || b.seq - a.seq)
}

/**
 * The lists merged by the ranks that they give: 1 / (60 + rank), added up over the lists that have a memory among their first.
 * Behind those only the best rank counts, or what many lists rank low would come before what one of them ranks first.
 */
export function mergeRanks(lists: readonly (readonly Ranked[])[]): Ranked[] {
  const scores = new Map<number, number>()
  for (const list of lists)
    for (const [at, { seq }] of list.slice(0, ADDED_UP).entries())
      scores.set(seq, (scores.get(seq) ?? 0) + 1 / (RANK_CONSTANT + at + 1))
  const behind = new Map<number, number>()
  for (const list of lists)
    for (const [at, { seq }] of list.entries())
      if (!scores.has(seq)) behind.set(seq, Math.max(behind.get(seq) ?? 0, 1 / (RANK_CONSTANT + at + 1)))
  return sorted([...scores, ...behind].map(([seq, score]) => ({ seq, score })))
}

/** The score of a memory that is the first of so many lists. */
export function mostOf(lists: number): number {
  return lists / (RANK_CONSTANT + 1)
}
