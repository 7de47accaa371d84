/** Tables that are derived from turns and memories: what a deletion has to find, and what a search is made shorter by. */

/**
 * `memory_use` says which responses were made while a memory was read (`memory` is its `seq`): their replies may repeat it.
 * Rows go with the response and with the memory.
 */
const USES = `
  CREATE TABLE memory_use (
    response TEXT NOT NULL, memory INTEGER NOT NULL, PRIMARY KEY (response, memory)
  ) WITHOUT ROWID;
  CREATE INDEX memory_use_of ON memory_use (memory);
  CREATE TRIGGER memory_use_without_memory AFTER DELETE ON memory BEGIN
    DELETE FROM memory_use WHERE memory = old.seq;
  END;
  CREATE TRIGGER memory_use_without_response AFTER DELETE ON response BEGIN
    DELETE FROM memory_use WHERE response = old.id;
  END;
`

/**
 * `episode` is a stored turn as it is found across conversations: whose it is (`scope` as of memories, `user_id` '' for none), how
 * much it matters (`importance`, 0 to 1), how often what it told was read, and whether its words are in the index (`indexed`; an
 * evicted one's are not). Its text is in the turn alone. `retention` orders evictions: the logarithm of importance and uses, plus the
 * time of the turn in lifetimes of the decay. `episode_scope` and `episode_owner` count what is indexed.
 */
const EPISODES = `
  CREATE TABLE episode (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, response TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, scope INTEGER NOT NULL,
    user_id TEXT NOT NULL, created INTEGER NOT NULL, importance REAL NOT NULL, reads INTEGER NOT NULL DEFAULT 0,
    retention REAL NOT NULL, pinned INTEGER NOT NULL, indexed INTEGER NOT NULL, words INTEGER NOT NULL,
    embedder TEXT, vector BLOB
  );
  CREATE INDEX episode_of ON episode (scope, user_id);
  CREATE INDEX episode_retention ON episode (owner, retention) WHERE indexed = 1 AND pinned = 0;
  CREATE TABLE episode_word (
    scope INTEGER NOT NULL, word TEXT NOT NULL, seq INTEGER NOT NULL, count INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (scope, word, seq)
  ) WITHOUT ROWID;
  CREATE INDEX episode_word_of ON episode_word (seq);
  CREATE TABLE episode_scope (scope INTEGER PRIMARY KEY, texts INTEGER NOT NULL, words INTEGER NOT NULL);
  CREATE TABLE episode_owner (owner TEXT PRIMARY KEY, episodes INTEGER NOT NULL);
  INSERT INTO counter VALUES ('episodes', 0), ('episodesEvicted', 0);
`

/**
 * Memories of a user that say the same are one entry of a search: `memory_group` says behind which one (`medoid`) another (`member`)
 * stands. `memory_ungrouped` is the work that is left: memories that were written since they were last compared. A memory whose text
 * or validity changes leaves its group at once, and so does what stood behind one that is gone.
 */
const GROUPS = `
  CREATE TABLE memory_group (member INTEGER PRIMARY KEY, medoid INTEGER NOT NULL);
  CREATE INDEX memory_group_of ON memory_group (medoid);
  CREATE TABLE memory_ungrouped (seq INTEGER PRIMARY KEY);
  CREATE TRIGGER memory_to_group AFTER UPDATE OF text, vector, ended, source ON memory WHEN new.source IS NOT NULL BEGIN
    INSERT OR IGNORE INTO memory_ungrouped VALUES (new.seq);
  END;
  CREATE TRIGGER memory_leaves_group AFTER UPDATE OF text, ended ON memory
    WHEN old.text IS NOT new.text OR old.ended IS NOT new.ended BEGIN
    ${dissolve('new')}
  END;
  CREATE TRIGGER memory_without_group AFTER DELETE ON memory BEGIN
    ${dissolve('old')}
    DELETE FROM memory_ungrouped WHERE seq = old.seq;
  END;
`

/**
 * `turn_use` says which responses (`response`) were made while a turn of another conversation (`turn`) was read. It came after
 * format 7, whose folders get it when they are opened.
 */
export const TURN_USES = `
  CREATE TABLE IF NOT EXISTS turn_use (
    response TEXT NOT NULL, turn TEXT NOT NULL, PRIMARY KEY (response, turn)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS turn_use_of ON turn_use (turn);
  CREATE TRIGGER IF NOT EXISTS turn_use_without_response AFTER DELETE ON response BEGIN
    DELETE FROM turn_use WHERE response = old.id OR turn = old.id;
  END;
`

export const DERIVED_TABLES = USES + EPISODES + GROUPS + TURN_USES

/** Takes a memory out of its group; those that stood behind it, and the one that it stood behind, are compared again. */
function dissolve(row: 'old' | 'new'): string {
  return `INSERT OR IGNORE INTO memory_ungrouped SELECT member FROM memory_group WHERE medoid = ${row}.seq;
    INSERT OR IGNORE INTO memory_ungrouped SELECT medoid FROM memory_group WHERE member = ${row}.seq;
    DELETE FROM memory_group WHERE member = ${row}.seq OR medoid = ${row}.seq;`
}

/** Format 6 kept which memories a response had read in its document alone, and compared no memories. */
export const DERIVED_FROM_6 = `
  INSERT OR IGNORE INTO memory_use (response, memory)
    SELECT response.id, memory.seq
      FROM response, json_each(
        CASE WHEN json_valid(CAST(document AS TEXT)) THEN CAST(document AS TEXT) ELSE '{}' END,
        '$.response.usage.mneme.memory.entries') AS entry
      JOIN memory ON memory.id = json_extract(entry.value, '$.id')
      JOIN memory_scope ON memory_scope.scope = memory.scope AND memory_scope.owner = response.owner;
  INSERT INTO memory_ungrouped SELECT seq FROM memory WHERE source IS NOT NULL;
`
