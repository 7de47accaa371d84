/** The tables of memories in PostgreSQL. */

/**
 * As server/store/memory-tables.ts has them. What a user or a client wrote is bytea: text of PostgreSQL has no U+0000. `metadata`
 * and `taken` are JSON as it was written. `mneme_use` says which responses read which memory. `mneme_folder` names the data folder
 * whose memories these are.
 */
export const POSTGRES_TABLES = `
  CREATE EXTENSION IF NOT EXISTS vector;
  CREATE TABLE IF NOT EXISTS mneme_folder (one boolean PRIMARY KEY DEFAULT true CHECK (one), id text NOT NULL);
  CREATE TABLE IF NOT EXISTS mneme_scope (
    scope bigserial PRIMARY KEY, owner bytea NOT NULL, namespace bytea NOT NULL,
    texts bigint NOT NULL DEFAULT 0, words bigint NOT NULL DEFAULT 0, UNIQUE (owner, namespace)
  );
  CREATE TABLE IF NOT EXISTS mneme_memory (
    seq bigserial PRIMARY KEY, id text NOT NULL UNIQUE, scope bigint NOT NULL REFERENCES mneme_scope, user_id bytea NOT NULL,
    text bytea NOT NULL, hash bytea NOT NULL, metadata text NOT NULL, created bigint NOT NULL, updated bigint NOT NULL,
    expires bigint, words integer NOT NULL, embedder text, vector vector, taken text, source text, topic bytea, ended bigint,
    UNIQUE (scope, user_id, hash)
  );
  CREATE INDEX IF NOT EXISTS mneme_memory_source ON mneme_memory (source) WHERE source IS NOT NULL;
  CREATE INDEX IF NOT EXISTS mneme_memory_topic ON mneme_memory (scope, user_id, topic) WHERE topic IS NOT NULL;
  CREATE INDEX IF NOT EXISTS mneme_memory_expiry ON mneme_memory (expires) WHERE expires IS NOT NULL;
  CREATE TABLE IF NOT EXISTS mneme_word (
    scope bigint NOT NULL, word text NOT NULL, seq bigint NOT NULL REFERENCES mneme_memory ON DELETE CASCADE,
    count integer NOT NULL, length integer NOT NULL, PRIMARY KEY (scope, word, seq)
  );
  CREATE INDEX IF NOT EXISTS mneme_word_of ON mneme_word (seq);
  CREATE TABLE IF NOT EXISTS mneme_event (
    event bigserial PRIMARY KEY, seq bigint NOT NULL REFERENCES mneme_memory ON DELETE CASCADE,
    kind text NOT NULL, time bigint NOT NULL, text bytea NOT NULL, metadata text NOT NULL
  );
  CREATE INDEX IF NOT EXISTS mneme_event_of ON mneme_event (seq);
  CREATE TABLE IF NOT EXISTS mneme_use (
    response text NOT NULL, seq bigint NOT NULL REFERENCES mneme_memory ON DELETE CASCADE, PRIMARY KEY (response, seq)
  );
  CREATE INDEX IF NOT EXISTS mneme_use_of ON mneme_use (seq);
`
