/** How memories are ranked: by words, by vectors, and by both. */
import { LargestScores } from './largest-scores.ts'

/** Constants of BM25 (Robertson & Zaragoza 2009, The Probabilistic Relevance Framework), as SQLite's FTS5 has them. */
const K1 = 1.2
const B = 0.75

/** Where a word occurs, by columns: in the text of each memory, which has so many words, so many times. */
export interface Postings {
  readonly seqs: readonly number[]
  readonly counts: readonly number[]
  readonly lengths: readonly number[]
  /** How many texts have it, where only some of them are here. */
  readonly texts?: number
}

export interface Ranked {
  readonly seq: number
  readonly score: number
}

/** BM25 of texts that have at least one of the words. `texts` there are in all, of `words` words together. */
export function scoreByWords(postings: readonly Postings[], texts: number, words: number): Map<number, number> {
  const scores = new Map<number, number>()
  const average = Math.max(1, words / Math.max(1, texts))
  for (const { seqs, counts, lengths, texts: having = seqs.length } of postings) {
    const rarity = Math.log(1 + (texts - having + 0.5) / (having + 0.5))
    for (let at = 0; at < seqs.length; at++) {
      const [seq, count] = [seqs[at]!, counts[at]!]
      const weight = (count * (K1 + 1)) / (count + K1 * (1 - B + (B * lengths[at]!) / average))
      scores.set(seq, (scores.get(seq) ?? 0) + rarity * weight)
    }
  }
  return scores
}

/** The `most` best of memories with their scores, best first; of equal scores the later memory. */
export function best(scores: Iterable<readonly [seq: number, score: number]>, most: number): Ranked[] {
  const largest = new LargestScores(most, 0)
  for (const [seq, score] of scores) largest.add(seq, score)
  return sorted(largest.entries().map(([seq, score]) => ({ seq, score }))).slice(0, most)
}

/** Best first; of equal scores the later memory. */
export function sorted(ranked: readonly Ranked[]): Ranked[] {
  // A difference would be an object for each comparison.
  return ranked.toSorted((a, b) => (a.score > b.score ? -1 : a.score < b.score ? 1 : b.seq - a.seq))
}

/** How much words count, beside meaning: chosen on sets apart from the one it is measured on (tests/bench/retrieval.ts). */
const OF_WORDS = 0.15
/** What is known to be asked for counts most; what has no vector yet, a little. */
const OF_TOPIC = 1
const OF_LATE = 1 / 3

/** What each way of comparing found, the best first. */
export interface RankedLists {
  readonly words: readonly Ranked[]
  readonly meaning: readonly Ranked[]
  readonly topic?: readonly Ranked[]
  /** What is not compared by its meaning yet. */
  readonly late?: readonly number[]
}

/**
 * The lists merged by their scores, each as a share of its best (a convex combination: Bruch, Gai & Ingber 2023, An Analysis of
 * Fusion Functions for Hybrid Retrieval). Ranks alone would let words in common put much of a store before what means the same.
 * Where only words or only meanings were compared, their scores count in full.
 */
export function mergeScores({ words, meaning, topic = [], late = [] }: RankedLists, ofWords = OF_WORDS): Ranked[] {
  const isOne = words.length === 0 || meaning.length === 0
  const scores = new Map<number, number>()
  const add = (list: readonly Ranked[], share: number): void => {
    const most = list[0]?.score ?? 0
    for (const { seq, score } of list)
      scores.set(seq, (scores.get(seq) ?? 0) + (most > 0 ? (share * Math.max(0, score)) / most : 0))
  }
  add(words, isOne ? 1 : ofWords)
  add(meaning, isOne ? 1 : 1 - ofWords)
  add(topic, OF_TOPIC)
  for (const seq of late) scores.set(seq, (scores.get(seq) ?? 0) + OF_LATE)
  return sorted([...scores].map(([seq, score]) => ({ seq, score })))
}
