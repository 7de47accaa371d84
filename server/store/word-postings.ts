/** Where the words of a query stand in an index of words, whatever endings they have there. */
import type Database from 'libsql'
import type { Postings } from '../memory/rank.ts'
import { isFormOf, together, wordFormsOf, type WordForms } from '../memory/word-forms.ts'
import { textOf } from './memory-row.ts'
import type { Blob } from './turn-row.ts'

/** Postings for each word of a text. */
export type WordPostings = (scope: number, text: string) => Postings[]

export function createWordPostings(database: Database.Database, table: 'memory_word' | 'episode_word'): WordPostings {
  const inRange = `SELECT word FROM ${table} WHERE scope = ? AND word >= ? AND word < ? ORDER BY word LIMIT 1`
  // From each word to the next, not by way of all texts that have it.
  const words = database.prepare(
    `WITH RECURSIVE found (word) AS (
      SELECT (${inRange}) UNION ALL
      SELECT (${inRange.replace('word >= ?', 'word > found.word')}) FROM found WHERE found.word IS NOT NULL
    ) SELECT CAST(word AS BLOB) AS word FROM found WHERE word IS NOT NULL`,
  )
  // As JSON: libsql takes ten times as long for a row each.
  const postings = database.prepare(
    `SELECT json_group_array(seq) AS seqs, json_group_array(count) AS counts, json_group_array(length) AS lengths
      FROM ${table} WHERE scope = ? AND word = ?`,
  )
  const numbers = (json: string): number[] => JSON.parse(json) as number[]
  const read = (scope: number, word: string): Postings => {
    const { seqs, counts, lengths } = postings.get(scope, word) as Record<keyof Postings, string>
    return { seqs: numbers(seqs), counts: numbers(counts), lengths: numbers(lengths) }
  }
  const formsIn = (scope: number, forms: WordForms): string[] => {
    const found = forms.ranges.flatMap(({ from, to }) => words.all(scope, from, to, scope, to) as { word: Blob }[])
    return [...new Set(found.map(({ word }) => textOf(word)))].filter((word) => isFormOf(forms, word))
  }
  return (scope, text) =>
    wordFormsOf(text).map((forms) => together(formsIn(scope, forms).map((word) => read(scope, word))))
}
