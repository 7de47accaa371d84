/** Which vectors of memories have changed since when: what an index of them has to know of the database. */
import type Database from 'libsql'
import type { IndexKey } from '../vector-index/index-files.ts'
import { vectorOf } from './memory-row.ts'
import type { Blob } from './turn-row.ts'

/**
 * `memory_vector` has a row for each memory with a vector; `version` is a new number, higher than all before, whenever the vector
 * is another one. Triggers keep it, so whatever changes memories need not know of it, and neither does an earlier version of
 * mneme that opens the folder: the table is no part of its format.
 */
const TABLES = `
  CREATE TABLE memory_vector (
    version INTEGER PRIMARY KEY AUTOINCREMENT, scope INTEGER NOT NULL, seq INTEGER NOT NULL UNIQUE
  );
  CREATE INDEX memory_vector_scope ON memory_vector (scope);
  INSERT INTO memory_vector (scope, seq) SELECT scope, seq FROM memory WHERE vector IS NOT NULL ORDER BY seq;
`
const TRIGGERS = `
  CREATE TRIGGER IF NOT EXISTS memory_vector_changed AFTER UPDATE OF vector, embedder ON memory
    WHEN new.vector IS NOT old.vector OR new.embedder IS NOT old.embedder BEGIN
      DELETE FROM memory_vector WHERE seq = new.seq;
      INSERT INTO memory_vector (scope, seq) SELECT new.scope, new.seq WHERE new.vector IS NOT NULL;
    END;
  CREATE TRIGGER IF NOT EXISTS memory_vector_removed AFTER DELETE ON memory BEGIN
    DELETE FROM memory_vector WHERE seq = old.seq;
  END;
`

export interface VectorRow {
  readonly seq: number
  readonly version: number
  readonly vector: Float32Array
}

export type VectorTables = ReturnType<typeof createVectorTables>

export function createVectorTables(database: Database.Database) {
  const known = database.prepare("SELECT 1 AS found FROM sqlite_master WHERE type = 'table' AND name = 'memory_vector'")
  if (known.get() === undefined) database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT`)
  database.exec(TRIGGERS)
  const sql = prepare(database)
  const asRows = (found: unknown[]): VectorRow[] =>
    (found as { seq: number; version: number; vector: Blob }[]).map((row) => ({ ...row, vector: vectorOf(row.vector) }))
  const conditions = ({ scope, embedder, user }: IndexKey): (number | string | null)[] => [scope, embedder, user, user]
  /** Whether all memories of a namespace are of that user. */
  const isAlone = (scope: number, user: string): boolean =>
    sql.later.get(scope, user) === undefined && sql.earlier.get(scope, user) === undefined
  /** Whether reading a user's memories for each page of `most` is less than going through the whole namespace. */
  const isFew = ({ scope, user }: IndexKey, most: number): boolean => {
    if (user === null) return false
    const { theirs, all } = sql.sizes.get(scope, user, scope) as { theirs: number; all: number }
    return theirs * Math.max(1, theirs / Math.abs(most)) < all
  }
  return {
    /** The same vectors have the same key, whether they are asked for as a user's or as everybody's. */
    keyOf: (scope: number, user: string | null, embedder: string): IndexKey => ({
      scope,
      user: user !== null && isAlone(scope, user) ? null : user,
      embedder,
    }),
    isAlone,
    /** Of the last change. */
    version: (): number => (sql.version.get() as { seq: number } | undefined)?.seq ?? 0,
    /** Those that have changed since a version, in the order of their changes. */
    changedSince: (key: IndexKey, version: number, most: number): VectorRow[] =>
      asRows(
        isFew(key, most)
          ? sql.sinceOfUser.all(version, key.scope, key.embedder, key.user, most)
          : sql.since.all(version, ...conditions(key), most),
      ),
    /** The vector of a memory, if it has changed since. */
    changed: (key: IndexKey, seq: number, version: number): VectorRow | undefined =>
      asRows(sql.changed.all(version, ...conditions(key), seq))[0],
    some: (key: IndexKey, seqs: readonly number[]): VectorRow[] =>
      asRows(sql.some.all(JSON.stringify(seqs), ...conditions(key))),
    /** How many have not changed since; those of other embedders are counted where `user` is null. */
    unchanged: ({ scope, user }: IndexKey, version: number): number =>
      ((user === null ? sql.unchanged.get(scope, version) : sql.unchangedOf.get(scope, version, user)) as { n: number })
        .n,
  }
}

function prepare(database: Database.Database) {
  const rows = `SELECT memory.seq, version, vector FROM memory_vector JOIN memory ON memory.seq = memory_vector.seq
    WHERE version > ? AND memory_vector.scope = ? AND embedder = ? AND (? IS NULL OR user_id = ?)`
  const ofUser = `SELECT memory.seq, version, vector FROM memory INDEXED BY memory_once
    CROSS JOIN memory_vector ON memory_vector.seq = memory.seq
    WHERE version > ? AND memory.scope = ? AND embedder = ? AND user_id = ? ORDER BY version LIMIT ?`
  // CROSS JOIN: else SQLite goes through the whole namespace and looks up each of its rows in the list.
  const some = `SELECT memory.seq, version, vector FROM json_each(?) AS asked
    CROSS JOIN memory_vector ON memory_vector.seq = asked.value CROSS JOIN memory ON memory.seq = memory_vector.seq
    WHERE memory_vector.scope = ? AND embedder = ? AND (? IS NULL OR user_id = ?)`
  const unchanged = `SELECT count(*) AS n FROM memory_vector WHERE scope = ? AND version <= ?`
  return {
    version: database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'memory_vector'"),
    since: database.prepare(`${rows} ORDER BY version LIMIT ?`),
    sinceOfUser: database.prepare(ofUser),
    sizes: database.prepare(`SELECT (SELECT count(*) FROM memory WHERE scope = ? AND user_id = ?) AS theirs,
      (SELECT texts FROM memory_scope WHERE scope = ?) AS "all"`),
    changed: database.prepare(`${rows} AND memory_vector.seq = ?`),
    some: database.prepare(some),
    unchanged: database.prepare(unchanged),
    unchangedOf: database.prepare(`${unchanged} AND seq IN (SELECT seq FROM memory WHERE user_id = ?)`),
    later: database.prepare('SELECT 1 AS found FROM memory WHERE scope = ? AND user_id > ? LIMIT 1'),
    earlier: database.prepare('SELECT 1 AS found FROM memory WHERE scope = ? AND user_id < ? LIMIT 1'),
  }
}
