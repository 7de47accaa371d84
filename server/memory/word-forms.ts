/** The forms of a query's words in an index of words. */
import type { Posting } from './rank.ts'
import { beginningsOf, searchWords, stem } from './search-words.ts'

/** Words of a query that are looked up. */
const MAX_WORDS = 64
/** Before and after every character of a word. */
const [FIRST, LAST] = ['\u{1}', '\u{10FFFF}']

/** A word of a query: where its forms may stand in an index in the order of code points, and what they have in common. */
export interface WordForms {
  readonly root: string
  readonly ranges: readonly { readonly from: string; readonly to: string }[]
}

/** A word's place in an index. */
export type WordRow = Posting & { readonly word: string }

export function wordFormsOf(text: string): WordForms[] {
  const words = new Map(searchWords(text).map((word) => [stem(word), word]))
  return [...words].slice(0, MAX_WORDS).map(([root, word]) => ({ root, ranges: rangesOf(word) }))
}

/** Numbers and the shortest words have no forms. */
function rangesOf(word: string): { readonly from: string; readonly to: string }[] {
  if (!/^\p{L}{3,}$/u.test(word)) return [{ from: word, to: `${word}${FIRST}` }]
  return beginningsOf(word).map((from) => ({ from, to: `${from}${LAST}` }))
}

/** What of the rows in a word's ranges are forms of it; a text that has two forms has it twice. */
export function postingsOf({ root }: WordForms, rows: Iterable<WordRow>): Posting[] {
  const found = new Map<number, Posting>()
  for (const { word, seq, count, length } of rows)
    if (stem(word) === root) found.set(seq, { seq, length, count: count + (found.get(seq)?.count ?? 0) })
  return [...found.values()]
}
