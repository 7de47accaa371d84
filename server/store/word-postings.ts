/** Where the words of a query stand in an index of words, whatever endings they have there. */
import type Database from 'libsql'
import type { Postings } from '../memory/rank.ts'
import { isFormOf, together, wordFormsOf, type WordForms } from '../memory/word-forms.ts'
import { textOf } from './memory-row.ts'
import type { Blob } from './turn-row.ts'

/** Of one user, so many times fewer than all texts: each is looked up, and the others are only counted. */
const FEW = 8

/** Postings for each word of a text, of the texts of these users at least; null: of all. */
export type WordPostings = (scope: number, text: string, users: readonly string[] | null) => Postings[]

/** Of `memory` by `memory_word`, or of `episode` by `episode_word`. */
export function createWordPostings(database: Database.Database, texts: 'memory' | 'episode'): WordPostings {
  const sql = prepare(database, texts)
  const numbers = (json: string): number[] => JSON.parse(json) as number[]
  const formsIn = (scope: number, forms: WordForms): string[] => {
    const found = forms.ranges.flatMap(({ from, to }) => sql.words.all(scope, from, to, scope, to) as { word: Blob }[])
    return [...new Set(found.map(({ word }) => textOf(word)))].filter((word) => isFormOf(forms, word))
  }
  const read = (scope: number, word: string, user: string | null): Postings => {
    const row = user === null ? sql.postings.get(scope, word) : sql.ofUser.get(word, scope, user)
    const { seqs, counts, lengths } = row as Record<'seqs' | 'counts' | 'lengths', string>
    return { seqs: numbers(seqs), counts: numbers(counts), lengths: numbers(lengths) }
  }
  const few = (scope: number, users: readonly string[] | null): string | null => {
    const [user] = users ?? []
    if (user === undefined || users?.length !== 1) return null
    const { theirs, all } = sql.sizes.get(scope, user, scope) as { theirs: number; all: number | null }
    return theirs * FEW < (all ?? 0) ? user : null
  }
  return (scope, text, users) => {
    const user = few(scope, users)
    return wordFormsOf(text).map((one) => {
      const words = formsIn(scope, one)
      const found = together(words.map((word) => read(scope, word, user)))
      if (user === null) return found
      const { texts: having } = sql.having.get(scope, JSON.stringify(words)) as { texts: number }
      return { ...found, texts: having }
    })
  }
}

function prepare(database: Database.Database, texts: 'memory' | 'episode') {
  const index = `${texts}_word`
  const first = `SELECT word FROM ${index} WHERE scope = ? AND word >= ? AND word < ? ORDER BY word LIMIT 1`
  // As JSON: libsql takes ten times as long for a row each.
  const columns = ['seq', 'count', 'length'].map((name) => `json_group_array(posting.${name}) AS ${name}s`).join(', ')
  return {
    // From each word to the next, not by way of all texts that have it.
    words: database.prepare(`WITH RECURSIVE found (word) AS (
        SELECT (${first}) UNION ALL
        SELECT (${first.replace('word >= ?', 'word > found.word')}) FROM found WHERE found.word IS NOT NULL
      ) SELECT CAST(word AS BLOB) AS word FROM found WHERE word IS NOT NULL`),
    postings: database.prepare(`SELECT ${columns} FROM ${index} AS posting WHERE scope = ? AND word = ?`),
    ofUser: database.prepare(`SELECT ${columns} FROM ${texts} AS text CROSS JOIN ${index} AS posting
      ON posting.scope = text.scope AND posting.word = ? AND posting.seq = text.seq
      WHERE text.scope = ? AND text.user_id = ?`),
    having: database.prepare(`SELECT count(DISTINCT seq) AS texts FROM ${index}
      WHERE scope = ? AND word IN (SELECT value FROM json_each(?))`),
    sizes: database.prepare(`SELECT (SELECT count(*) FROM ${texts} WHERE scope = ? AND user_id = ?) AS theirs,
      (SELECT texts FROM ${texts}_scope WHERE scope = ?) AS "all"`),
  }
}
