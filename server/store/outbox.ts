/** The outbox of a store whose memories are in another one: written in the transaction of the turn or the deletion. */
import { randomUUID } from 'node:crypto'
import type Database from 'libsql'
import { textOf } from './memory-row.ts'
import type { MemoryWork, PendingWork } from './outbox-calls.ts'
import type { Blob } from './turn-row.ts'

/** No part of the folder's format: without another store they are empty, and an earlier version of mneme need not know them. */
const TABLES = `
  CREATE TABLE IF NOT EXISTS memory_outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, work BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS folder_name (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL);
`

export interface Outbox {
  /** Names the data folder, and says how many memories it has itself. */
  folder(): { readonly id: string; readonly memories: number }
  add(owner: string, work: MemoryWork): void
  pending(limit: number): PendingWork[]
  settle(seqs: readonly number[]): void
  count(): number
}

/** Whether memories of the folder are in another store: without it they are not found. */
export function hasOutbox(database: Database.Database): boolean {
  return database.prepare("SELECT 1 AS found FROM sqlite_master WHERE name = 'memory_outbox'").get() !== undefined
}

export function createOutbox(database: Database.Database): Outbox {
  database.exec(TABLES)
  const name = database.prepare('INSERT INTO folder_name VALUES (1, ?) ON CONFLICT DO NOTHING')
  name.run(randomUUID())
  const sql = {
    id: database.prepare('SELECT CAST(id AS BLOB) AS id FROM folder_name'),
    add: database.prepare('INSERT INTO memory_outbox (owner, work) VALUES (?, ?)'),
    pending: database.prepare('SELECT seq, CAST(owner AS BLOB) AS owner, work FROM memory_outbox ORDER BY seq LIMIT ?'),
    settle: database.prepare('DELETE FROM memory_outbox WHERE seq = ?'),
    count: database.prepare('SELECT count(*) AS n FROM memory_outbox'),
    memories: database.prepare(`SELECT count(*) AS n FROM memory JOIN memory_scope ON memory_scope.scope = memory.scope
      WHERE owner NOT LIKE '%' || char(10) || 'files'`),
  }
  return {
    folder: () => ({
      id: textOf((sql.id.get() as { id: Blob }).id),
      memories: (sql.memories.get() as { n: number }).n,
    }),
    add: (owner, work) => void sql.add.run(owner, Buffer.from(JSON.stringify(work))),
    pending: (limit) =>
      (sql.pending.all(limit) as { seq: number; owner: Blob; work: Blob }[]).map(({ seq, owner, work }) => {
        return { seq, owner: textOf(owner), work: JSON.parse(textOf(work)) as MemoryWork }
      }),
    count: () => (sql.count.get() as { n: number }).n,
    settle(seqs) {
      for (const seq of seqs) sql.settle.run(seq)
    },
  }
}
