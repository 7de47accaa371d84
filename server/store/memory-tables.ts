/** The tables of memories: what a tenant wants remembered across conversations. */

const MEMORY_INDICES = `
  CREATE INDEX memory_source ON memory (source) WHERE source IS NOT NULL;
  CREATE INDEX memory_topic ON memory (scope, user_id, topic) WHERE topic IS NOT NULL;
`

/** Format 5 had no memories that were taken from turns. */
export const MEMORY_FROM_5 = `
  ALTER TABLE memory ADD COLUMN taken BLOB;
  ALTER TABLE memory ADD COLUMN source TEXT;
  ALTER TABLE memory ADD COLUMN topic TEXT;
  ALTER TABLE memory ADD COLUMN ended INTEGER;
  ${MEMORY_INDICES}
`

/**
 * `memory_scope` is a namespace of a tenant, with what BM25 needs of it. `memory` is a text in one: `user_id` narrows the
 * namespace ('' for none), `metadata` is JSON, `embedder` the bundle that made `vector`; times are milliseconds since 1970.
 * `hash` is the sha256 of the text and the topic, which a namespace has once for each user. `taken` is JSON: where it was taken from and what it says; `source` and `topic` repeat the
 * response and the topic for their indices. `ended` is when it stopped to hold. `checksum` covers every field but those two and
 * `words`. `memory_word` says which words a text has, how often,
 * and how many it has in all. `memory_event` is the history of a memory, which goes with it.
 */
export const MEMORY_TABLES = `
  CREATE TABLE memory_scope (
    scope INTEGER PRIMARY KEY, owner TEXT NOT NULL, namespace TEXT NOT NULL,
    texts INTEGER NOT NULL DEFAULT 0, words INTEGER NOT NULL DEFAULT 0
  );
  CREATE UNIQUE INDEX memory_scope_key ON memory_scope (owner, namespace);
  CREATE TABLE memory (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, scope INTEGER NOT NULL, user_id TEXT NOT NULL,
    text BLOB NOT NULL, hash BLOB NOT NULL, metadata BLOB NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL, expires INTEGER,
    words INTEGER NOT NULL, embedder TEXT, vector BLOB, checksum BLOB NOT NULL,
    taken BLOB, source TEXT, topic TEXT, ended INTEGER
  );
  ${MEMORY_INDICES}
  CREATE UNIQUE INDEX memory_once ON memory (scope, user_id, hash);
  CREATE INDEX memory_expiry ON memory (expires) WHERE expires IS NOT NULL;
  CREATE TABLE memory_word (
    scope INTEGER NOT NULL, word TEXT NOT NULL, seq INTEGER NOT NULL, count INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (scope, word, seq)
  ) WITHOUT ROWID;
  CREATE TABLE memory_event (
    event INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, kind TEXT NOT NULL, time INTEGER NOT NULL,
    text BLOB NOT NULL, metadata BLOB NOT NULL
  );
  CREATE INDEX memory_event_of ON memory_event (seq);
`
