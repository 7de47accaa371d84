/** Where the words of a query stand in an index of words, whatever endings they have there. */
import type Database from 'libsql'
import type { Posting } from '../memory/rank.ts'
import { beginningsOf, searchWords, stem } from '../memory/search-words.ts'
import { textOf } from './memory-row.ts'
import type { Blob } from './turn-row.ts'

/** Words of a query that are looked up. */
const MAX_WORDS = 64
/** After every character of a word that begins so. */
const LAST = '\u{10FFFF}'

type Row = Posting & { readonly word: Blob }

/** Postings for each word of a text; a text that has two forms of a word has it twice. */
export type WordPostings = (scope: number, text: string) => Posting[][]

export function createWordPostings(database: Database.Database, table: 'memory_word' | 'episode_word'): WordPostings {
  const range = database.prepare(
    `SELECT CAST(word AS BLOB) AS word, seq, count, length FROM ${table} WHERE scope = ? AND word >= ? AND word < ?`,
  )
  return (scope, text) => {
    const words = new Map(searchWords(text).map((word) => [stem(word), word]))
    return [...words].slice(0, MAX_WORDS).map(([root, word]) => {
      const found = new Map<number, Posting>()
      for (const { from, to } of rangesOf(word))
        for (const row of range.all(scope, from, to) as Row[]) {
          if (stem(textOf(row.word)) !== root) continue
          const { seq, length } = row
          found.set(seq, { seq, length, count: row.count + (found.get(seq)?.count ?? 0) })
        }
      return [...found.values()]
    })
  }
}

/** Words that may be forms of a word, as the index is ordered. Numbers and the shortest words have no forms. */
function rangesOf(word: string): { readonly from: string; readonly to: string }[] {
  if (!/^\p{L}{3,}$/u.test(word)) return [{ from: word, to: `${word}\0` }]
  return beginningsOf(word).map((from) => ({ from, to: `${from}${LAST}` }))
}
