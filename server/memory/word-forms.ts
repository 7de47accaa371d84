/** The forms of a query's words in an index of words. */
import type { Postings } from './rank.ts'
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

export function wordFormsOf(text: string): WordForms[] {
  const words = new Map(searchWords(text).map((word) => [stem(word), word]))
  return [...words].slice(0, MAX_WORDS).map(([root, word]) => ({ root, ranges: rangesOf(word) }))
}

/** Numbers and the shortest words have no forms. */
function rangesOf(word: string): { readonly from: string; readonly to: string }[] {
  if (!/^\p{L}{3,}$/u.test(word)) return [{ from: word, to: `${word}${FIRST}` }]
  return beginningsOf(word).map((from) => ({ from, to: `${from}${LAST}` }))
}

/** Whether a word of an index is a form of it. */
export function isFormOf({ root }: WordForms, word: string): boolean {
  return stem(word) === root
}

/** Postings of the forms of one word: a text that has two of them has it twice. */
export function together(forms: readonly Postings[]): Postings {
  const [first] = forms
  if (first && forms.length === 1) return first
  const places = new Map<number, number>()
  const all: { readonly [K in 'seqs' | 'counts' | 'lengths']: number[] } = { seqs: [], counts: [], lengths: [] }
  for (const { seqs, counts, lengths } of forms)
    for (const [at, seq] of seqs.entries()) {
      const place = places.get(seq)
      if (place !== undefined) {
        all.counts[place]! += counts[at]!
        continue
      }
      places.set(seq, all.seqs.length)
      all.seqs.push(seq)
      all.counts.push(counts[at]!)
      all.lengths.push(lengths[at]!)
    }
  return all
}
