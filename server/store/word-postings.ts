/** Where the words of a query stand in an index of words, whatever endings they have there. */
import type Database from 'libsql'
import type { Posting } from '../memory/rank.ts'
import { postingsOf, wordFormsOf } from '../memory/word-forms.ts'
import { textOf } from './memory-row.ts'
import type { Blob } from './turn-row.ts'

type Row = Posting & { readonly word: Blob }

/** Postings for each word of a text. */
export type WordPostings = (scope: number, text: string) => Posting[][]

export function createWordPostings(database: Database.Database, table: 'memory_word' | 'episode_word'): WordPostings {
  const range = database.prepare(
    `SELECT CAST(word AS BLOB) AS word, seq, count, length FROM ${table} WHERE scope = ? AND word >= ? AND word < ?`,
  )
  return (scope, text) =>
    wordFormsOf(text).map((forms) => {
      const rows = forms.ranges.flatMap(({ from, to }) => range.all(scope, from, to) as Row[])
      return postingsOf(
        forms,
        rows.map(({ word, ...posting }) => ({ ...posting, word: textOf(word) })),
      )
    })
}
