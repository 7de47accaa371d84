/** The tables of prefixes of prompts. */

/**
 * `prefix` holds states that prompts with the same beginning go on from: `hash` is the sha256 of the first `length` tokens
 * of such a prompt as 32-bit integers, `tokens` what was fed in their place where that is not the same, `calls` how, `reply`
 * whether it ends inside a reply, and `used` when it was used last, in milliseconds since 1970. Its pages are in
 * `prefix_page`, which is like `page`. `checksum` covers every field but `seq` and `used`.
 */
export const PREFIX_TABLES = `
  CREATE TABLE prefix (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL, bundle TEXT NOT NULL, length INTEGER NOT NULL, hash BLOB NOT NULL, used INTEGER NOT NULL,
    position INTEGER NOT NULL, tokens BLOB, calls BLOB NOT NULL, reply INTEGER NOT NULL,
    fixed BLOB NOT NULL, tail BLOB NOT NULL, page BLOB, checksum BLOB NOT NULL
  );
  CREATE UNIQUE INDEX prefix_key ON prefix (owner, bundle, length, hash);
  CREATE INDEX prefix_use ON prefix (used);
  CREATE TABLE prefix_page (name BLOB PRIMARY KEY, previous BLOB, refs INTEGER NOT NULL, bytes BLOB NOT NULL);
  INSERT INTO counter VALUES ('prefixes', 0), ('prefixBytes', 0);
  CREATE TRIGGER prefix_added AFTER INSERT ON prefix BEGIN
    UPDATE counter SET value = value + 1 WHERE name = 'prefixes';
    UPDATE counter SET value = value + ${bytesOfPrefix('new')} WHERE name = 'prefixBytes';
  END;
  CREATE TRIGGER prefix_removed AFTER DELETE ON prefix BEGIN
    UPDATE counter SET value = value - 1 WHERE name = 'prefixes';
    UPDATE counter SET value = value - ${bytesOfPrefix('old')} WHERE name = 'prefixBytes';
  END;
  CREATE TRIGGER prefix_page_added AFTER INSERT ON prefix_page BEGIN
    UPDATE counter SET value = value + length(new.bytes) WHERE name = 'prefixBytes';
  END;
  CREATE TRIGGER prefix_page_removed AFTER DELETE ON prefix_page BEGIN
    UPDATE counter SET value = value - length(old.bytes) WHERE name = 'prefixBytes';
  END;
`

function bytesOfPrefix(row: 'new' | 'old'): string {
  return `(length(${row}.fixed) + length(${row}.tail) + length(${row}.calls) + coalesce(length(${row}.tokens), 0))`
}
