/** Consolidation: memories of a user that say the same become one entry of a search. One transaction for each comparison. */
import type Database from 'libsql'
import { likeness, medoidOf, type Saying } from '../memory/same-saying.ts'
import { memoryOf, SELECT_MEMORY, type MemoryRow } from './memory-row.ts'

/** A memory is compared with so many of its user's last ones: those before them have groups of their own. */
const MOST_COMPARED = 4096

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

  /** What stands for itself and was compared, most like it first; of equal ones the first told. */
  const nearest = (one: Saying, { scope, user_id: user }: MemoryRow): Saying | null => {
    const rows = sql.others.all(scope, user, one.seq, MOST_COMPARED) as (MemoryRow & { readonly owner: string })[]
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
    others: database.prepare(`${withOwner} WHERE memory.scope = ? AND user_id = CAST(? AS TEXT) AND seq <> ?
      AND source IS NOT NULL AND ended IS NULL
      AND NOT EXISTS (SELECT 1 FROM memory_group WHERE member = memory.seq)
      AND NOT EXISTS (SELECT 1 FROM memory_ungrouped WHERE memory_ungrouped.seq = memory.seq)
      ORDER BY seq DESC LIMIT ?`),
    medoid: database.prepare('SELECT medoid FROM memory_group WHERE member = ?'),
    members: database.prepare('SELECT member FROM memory_group WHERE medoid = ? ORDER BY member'),
    leave: database.prepare('DELETE FROM memory_group WHERE member = ? OR medoid = ?'),
    join: database.prepare('INSERT INTO memory_group (member, medoid) VALUES (?, ?)'),
    compared: database.prepare('DELETE FROM memory_ungrouped WHERE seq = ?'),
    compareAgain: database.prepare('INSERT OR IGNORE INTO memory_ungrouped VALUES (?)'),
  }
}
