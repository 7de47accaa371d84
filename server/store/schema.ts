/** The tables of a data folder, and how folders of earlier formats become folders of this one. */
import type Database from 'libsql'
import { StoreError } from './errors.ts'
import { DERIVED_FROM_6, DERIVED_TABLES, TURN_USES } from './derived-tables.ts'
import { MEMORY_FROM_5, MEMORY_TABLES } from './memory-tables.ts'
import { PREFIX_TABLES } from './prefix-tables.ts'
import { inTransaction } from './transaction.ts'
import { VECTOR_STORE_TABLES } from './vector-store-tables.ts'
import { checksumOf, fromRow, READ_COLUMNS, RESPONSE_COLUMNS, type ResponseRow } from './turn-row.ts'

/** Version of the tables below, in SQLite's user_version. */
export const FORMAT = 7

/**
 * `response` is the log of turns. `checksum` covers every field of a row but `seq`, `state_hash` and `replay`.
 * `state_hash` is the sha256 of the state, kept when the state is pruned. `replay` counts the tokens from the nearest
 * earlier state that is never pruned.
 *
 * `state` holds the states that are kept: `owner` is that of its turn, `kind` is one of the numbers in states.ts, `used`
 * orders them by last use, `fixed` and `tail` are bytes, and `page` names the last full page.
 *
 * `page` holds full pages of append state, each linked to the one before it. `refs` counts the states and pages that
 * name it.
 *
 * `counter` is kept by triggers, so that statistics cost the same however much is stored.
 */
const TABLES = `
  CREATE TABLE response (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, parent TEXT, root TEXT NOT NULL, depth INTEGER NOT NULL,
    created INTEGER NOT NULL, model TEXT NOT NULL, bundle TEXT NOT NULL, document BLOB NOT NULL,
    prompt BLOB NOT NULL, generated BLOB NOT NULL, pending BLOB NOT NULL,
    position INTEGER NOT NULL, chunk INTEGER NOT NULL, calls BLOB, gates BLOB,
    prefill_calls BLOB,
    checksum BLOB NOT NULL, state_hash BLOB, replay INTEGER NOT NULL
  );
  CREATE INDEX response_parent ON response (parent);
  CREATE INDEX response_root ON response (root);
  CREATE TABLE state (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, root TEXT NOT NULL, kind INTEGER NOT NULL, used INTEGER NOT NULL,
    sha256 BLOB NOT NULL, fixed BLOB NOT NULL, tail BLOB NOT NULL, page BLOB, owner TEXT NOT NULL DEFAULT ''
  );
  CREATE INDEX state_use ON state (root, kind, used);
  CREATE TABLE page (
    name BLOB PRIMARY KEY, previous BLOB, refs INTEGER NOT NULL, bytes BLOB NOT NULL, owner TEXT NOT NULL DEFAULT ''
  );
`

/** Bytes of states and pages by owner, who gives way by them when all together are too many. */
const OWNERS = `
  CREATE INDEX state_age ON state (owner, kind, used);
  CREATE TABLE owner_bytes (owner TEXT PRIMARY KEY, bytes INTEGER NOT NULL);
  ${countForOwner('state', 'INSERT', 'new', '+ length(new.fixed) + length(new.tail)')}
  ${countForOwner('state', 'DELETE', 'old', '- length(old.fixed) - length(old.tail)')}
  ${countForOwner('page', 'INSERT', 'new', '+ length(new.bytes)')}
  ${countForOwner('page', 'DELETE', 'old', '- length(old.bytes)')}
`

const COUNTERS = `
  CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
  INSERT INTO counter VALUES ('responses', 0), ('sessions', 0), ('states', 0), ('stateBytes', 0), ('scrubs', 0);
  CREATE TRIGGER response_added AFTER INSERT ON response BEGIN
    UPDATE counter SET value = value + 1 WHERE name = 'responses';
    UPDATE counter SET value = value + 1 WHERE name = 'sessions'
      AND NOT EXISTS (SELECT 1 FROM response WHERE root = new.root AND seq <> new.seq);
  END;
  CREATE TRIGGER response_removed AFTER DELETE ON response BEGIN
    UPDATE counter SET value = value - 1 WHERE name = 'responses';
    UPDATE counter SET value = value - 1 WHERE name = 'sessions'
      AND NOT EXISTS (SELECT 1 FROM response WHERE root = old.root);
  END;
  CREATE TRIGGER state_added AFTER INSERT ON state BEGIN
    UPDATE counter SET value = value + 1 WHERE name = 'states';
    UPDATE counter SET value = value + length(new.fixed) + length(new.tail) WHERE name = 'stateBytes';
  END;
  CREATE TRIGGER state_removed AFTER DELETE ON state BEGIN
    UPDATE counter SET value = value - 1 WHERE name = 'states';
    UPDATE counter SET value = value - length(old.fixed) - length(old.tail) WHERE name = 'stateBytes';
  END;
  CREATE TRIGGER page_added AFTER INSERT ON page BEGIN
    UPDATE counter SET value = value + length(new.bytes) WHERE name = 'stateBytes';
  END;
  CREATE TRIGGER page_removed AFTER DELETE ON page BEGIN
    UPDATE counter SET value = value - length(old.bytes) WHERE name = 'stateBytes';
  END;
`

/** Makes the tables in a new database, or brings those of an earlier format up to this one, in one transaction. */
export function migrate(database: Database.Database, version: number, folder: string): void {
  if (version === FORMAT) return void database.exec(TURN_USES)
  const step = [create, fromFormat1, fromFormat2, fromFormat3, fromFormat4, fromFormat5, fromFormat6][version]
  if (!step) {
    throw new StoreError(
      'failed',
      `${folder}: expected data of format ${FORMAT} or earlier, got format ${version}. ` +
        `Use the version of mneme that wrote it, or choose another folder with --data.`,
    )
  }
  inTransaction(database, () => {
    step(database)
    database.exec(`PRAGMA user_version = ${FORMAT}`)
  })
}

function create(database: Database.Database): void {
  database.exec(TABLES)
  database.exec(COUNTERS)
  database.exec(OWNERS)
  database.exec(PREFIX_TABLES)
  database.exec(MEMORY_TABLES)
  database.exec(DERIVED_TABLES)
  database.exec(VECTOR_STORE_TABLES)
}

function countForOwner(
  table: 'state' | 'page',
  event: 'INSERT' | 'DELETE',
  row: 'new' | 'old',
  change: string,
): string {
  return `
    CREATE TRIGGER ${table}_${event.toLowerCase()}_counted AFTER ${event} ON ${table} BEGIN
      INSERT INTO owner_bytes VALUES (${row}.owner, 0) ON CONFLICT DO NOTHING;
      UPDATE owner_bytes SET bytes = bytes ${change} WHERE owner = ${row}.owner;
    END;`
}

/** Format 1 had no checksums, no pages, text documents, and kept every sixteenth state of a branch for good. */
function fromFormat1(database: Database.Database): void {
  database.exec('ALTER TABLE response RENAME TO response_1; ALTER TABLE state RENAME TO state_1')
  database.exec('DROP INDEX IF EXISTS response_parent; DROP INDEX IF EXISTS state_root')
  create(database)
  const put = database.prepare(
    `INSERT INTO response (seq, ${RESPONSE_COLUMNS}, checksum, state_hash, replay)
       SELECT seq, ${RESPONSE_COLUMNS.replace('calls, gates, prefill_calls', 'NULL, NULL, NULL')}, ?,
              (SELECT sha256 FROM state_1 WHERE state_1.id = response_1.id), 0
         FROM response_1 WHERE seq = ?`,
  )
  const ids = database.prepare('SELECT seq FROM response_1 ORDER BY seq').all() as { seq: number }[]
  const columns = READ_COLUMNS.replaceAll(/CAST\((calls|gates|prefill_calls) AS BLOB\)/g, 'NULL')
  const read = database.prepare(`SELECT ${columns} FROM response_1 WHERE seq = ?`)
  for (const { seq } of ids) put.run(checksumOf(fromRow(read.get(seq) as ResponseRow)), seq)
  database.exec('UPDATE response SET document = CAST(document AS BLOB)')
  // Every sixteenth state of a branch stays an anchor (2), pinned ones stay pinned (3), leaves are leaves (1).
  database.exec(`
    INSERT INTO state (seq, id, root, kind, used, sha256, fixed, tail, page, owner)
      SELECT seq, id, root,
             CASE WHEN pinned = 1 THEN 3 WHEN depth % 16 = 0 THEN 2
                  WHEN EXISTS (SELECT 1 FROM response WHERE response.parent = state_1.id) THEN 0 ELSE 1 END,
             seq, sha256, bytes, x'', NULL, (SELECT owner FROM response WHERE response.id = state_1.id)
        FROM state_1;
    DROP TABLE response_1;
    DROP TABLE state_1;
  `)
}

/** Format 2 had no prefixes and no prefill calls: every prompt was fed in calls of `chunk` tokens. */
function fromFormat2(database: Database.Database): void {
  database.exec('ALTER TABLE response ADD COLUMN prefill_calls BLOB')
  database.exec(PREFIX_TABLES)
  fromFormat3(database)
}

/** Format 3 did not count bytes by owner. */
function fromFormat3(database: Database.Database): void {
  database.exec(`
    ALTER TABLE state ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE page ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    UPDATE state SET owner = response.owner FROM response WHERE response.id = state.id;
    WITH RECURSIVE owned (name, owner) AS (
      SELECT page, owner FROM state WHERE page IS NOT NULL
      UNION SELECT page.previous, owned.owner FROM owned JOIN page ON page.name = owned.name
        WHERE page.previous IS NOT NULL
    ) UPDATE page SET owner = owned.owner FROM owned WHERE owned.name = page.name;
    ${OWNERS}
    INSERT INTO owner_bytes
      SELECT owner, sum(bytes) FROM (
        SELECT owner, length(fixed) + length(tail) AS bytes FROM state
        UNION ALL SELECT owner, length(bytes) FROM page
      ) GROUP BY owner;
  `)
  fromFormat4(database)
}

/** Format 4 had no memories. */
function fromFormat4(database: Database.Database): void {
  database.exec(MEMORY_TABLES)
  fromFormat6(database)
}

function fromFormat5(database: Database.Database): void {
  database.exec(MEMORY_FROM_5)
  fromFormat6(database)
}

/** Format 6 had no episodes, did not know which replies had read a memory, and had no files and vector stores. */
function fromFormat6(database: Database.Database): void {
  database.exec(DERIVED_TABLES)
  database.exec(DERIVED_FROM_6)
  database.exec(VECTOR_STORE_TABLES)
}
