/** Tables that are derived from turns and memories: what a deletion has to find, and what a search is made faster or shorter by. */

/**
 * `memory_use` says which responses were made while a memory was read (`memory` is its `seq`): their replies may repeat it.
 * Rows go with the response and with the memory.
 */
export const DERIVED_TABLES = `
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

/** Format 6 kept which memories a response had read in its document alone. */
export const DERIVED_FROM_6 = `
  INSERT OR IGNORE INTO memory_use (response, memory)
    SELECT response.id, memory.seq
      FROM response, json_each(
        CASE WHEN json_valid(CAST(document AS TEXT)) THEN CAST(document AS TEXT) ELSE '{}' END,
        '$.response.usage.mneme.memory.entries') AS entry
      JOIN memory ON memory.id = json_extract(entry.value, '$.id')
      JOIN memory_scope ON memory_scope.scope = memory.scope AND memory_scope.owner = response.owner;
`
