/** The table of files, vector stores and what belongs to them. */

/**
 * An object of an owner: `parent` is what it belongs to ('' for nothing), `label` and `tag` are what it is listed by
 * (object-calls.ts), `bytes` is the length of its text, `expires` in milliseconds since 1970, `body` JSON. `checksum` covers
 * all of these; `content` has a sha256 of its own, so that a list does not read it.
 */
export const VECTOR_STORE_TABLES = `
  CREATE TABLE api_object (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL, kind TEXT NOT NULL, parent TEXT NOT NULL, id TEXT NOT NULL,
    label TEXT NOT NULL, tag TEXT NOT NULL, bytes INTEGER NOT NULL, expires INTEGER, body BLOB NOT NULL,
    checksum BLOB NOT NULL, content_hash BLOB, content BLOB
  );
  CREATE UNIQUE INDEX api_object_key ON api_object (owner, kind, parent, id);
  CREATE INDEX api_object_place ON api_object (owner, kind, parent, seq);
  CREATE INDEX api_object_id ON api_object (owner, kind, id);
  CREATE INDEX api_object_expiry ON api_object (expires) WHERE expires IS NOT NULL;
  CREATE INDEX api_object_unfinished ON api_object (seq) WHERE kind = 'vector_store_file' AND label = 'in_progress';
`
