/** Consolidation: memories of a user that say the same become one entry of a search. One transaction for each comparison. */
import type Database from 'libsql'
import { contentOf, likeness, medoidOf, type Saying } from '../memory/same-saying.ts'
import { memoryOf, SELECT_MEMORY, type MemoryRow } from './memory-row.ts'

/** A memory is compared with so many others, those that share most words with it. */
const MOST_COMPARED = 64
/** A word of more memories than this is looked up only where no other word is rarer. */
const COMMON_WORD = 1024

export interface Consolidation {
  /** Compares one memory with the others of its user; false where nothing is left to do. */
  step(): boolean
  /** The memory behind which another one stands; null where it stands for itself. */
  medoidOf(seq: number): number | null
  /** The memories behind one. */
  membersOf(seq: number): number[]
}

export function createConsolidation(database: Database.Database): Consolidation {
  const sql = prepare(database)
  const membersOf = (seq: number): number[] =>
    (sql.members.all(seq) as { member: number }[]).map(({ member }) => member)
  /** Null for one that does not hold, or is not what was written: it is in no group. */
  const saying = (row: (MemoryRow & { readonly owner: string }) | undefined): Saying | null => {
    if (!row || row.ended !== null || (row.expires !== null && row.expires <= Date.now())) return null
    try {
      const { memory, made } = memoryOf(row.owner, row)
      return { seq: row.seq, text: memory.text, fact: memory.fact, made }
    } catch {
      return null
    }
  }
  const read = (seq: number): (MemoryRow & { readonly owner: string }) | undefined =>
    sql.row.get(seq) as (MemoryRow & { readonly owner: string }) | undefined

  /** Words of a memory by which others that say the same are found: what says the same has all of one's words, or some of them. */
  const rareWords = (scope: number, text: string): string[] => {
    const counted = [...contentOf(text)].map((word) => {
      const { n } = sql.frequency.get(scope, word, COMMON_WORD + 1) as { n: number }
      return { word, n }
    })
    const least = Math.min(...counted.map(({ n }) => n))
    return counted.filter(({ n }) => n <= Math.max(least, COMMON_WORD)).map(({ word }) => word)
  }
  /** What stands for itself and was compared, most like it first; of equal ones the first told. */
  const nearest = (one: Saying, { scope, user_id: user, topic }: MemoryRow): Saying | null => {
    const words = JSON.stringify(rareWords(scope, one.text))
    const found = sql.others.all(scope, words, user, one.seq, topic, MOST_COMPARED)
    const rows = found as (MemoryRow & { readonly owner: string })[]
    const alike = rows.flatMap((row) => {
      const other = saying(row)
      const score = other ? likeness(one, other) : 0
      return other && score > 0 ? [{ other, score }] : []
    })
    return alike.toSorted((a, b) => b.score - a.score || a.other.seq - b.other.seq)[0]?.other ?? null
  }

  return {
    membersOf,
    medoidOf: (seq) => (sql.medoid.get(seq) as { medoid: number } | undefined)?.medoid ?? null,
    step() {
      const next = sql.next.get() as { seq: number } | undefined
      if (!next) return false
      const { seq } = next
      for (const member of membersOf(seq)) sql.compareAgain.run(member)
      sql.leave.run(seq, seq)
      sql.compared.run(seq)
      const row = read(seq)
      const one = saying(row)
      const like = one && nearest(one, row!)
      if (like) group([one, like, ...membersOf(like.seq).flatMap((member) => saying(read(member)) ?? [])])
      return true
    },
  }

  function group(all: readonly Saying[]): void {
    const medoid = medoidOf(all)
    for (const { seq } of all) sql.leave.run(seq, seq)
    for (const { seq } of all) if (seq !== medoid.seq) sql.join.run(seq, medoid.seq)
  }
}

function prepare(database: Database.Database) {
  const withOwner = SELECT_MEMORY.replace('SELECT ', 'SELECT owner, ')
  return {
    next: database.prepare('SELECT min(seq) AS seq FROM memory_ungrouped HAVING min(seq) IS NOT NULL'),
    row: database.prepare(`${withOwner} WHERE seq = ?`),
    frequency: database.prepare(
      'SELECT count(*) AS n FROM (SELECT 1 FROM memory_word WHERE scope = ? AND word = ? LIMIT ?)',
    ),
    others: database.prepare(`${withOwner} JOIN (
        SELECT seq AS alike, count(*) AS shared FROM memory_word
        WHERE scope = ? AND word IN (SELECT value FROM json_each(?)) GROUP BY seq
      ) ON memory.seq = alike
      WHERE user_id = CAST(? AS TEXT) AND memory.seq <> ? AND topic IS CAST(? AS TEXT) AND source IS NOT NULL AND ended IS NULL
      AND NOT EXISTS (SELECT 1 FROM memory_group WHERE member = memory.seq)
      AND NOT EXISTS (SELECT 1 FROM memory_ungrouped WHERE memory_ungrouped.seq = memory.seq)
      ORDER BY shared DESC, memory.seq DESC LIMIT ?`),
    medoid: database.prepare('SELECT medoid FROM memory_group WHERE member = ?'),
    members: database.prepare('SELECT member FROM memory_group WHERE medoid = ? ORDER BY member'),
    leave: database.prepare('DELETE FROM memory_group WHERE member = ? OR medoid = ?'),
    join: database.prepare('INSERT INTO memory_group (member, medoid) VALUES (?, ?)'),
    compared: database.prepare('DELETE FROM memory_ungrouped WHERE seq = ?'),
    compareAgain: database.prepare('INSERT OR IGNORE INTO memory_ungrouped VALUES (?)'),
  }
}
