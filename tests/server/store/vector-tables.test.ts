import type Database from 'libsql'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../../server/store/database.ts'
import { createVectorTables } from '../../../server/store/vector-tables.ts'
import { temporaryFolder } from '../../support/temporary.ts'

test('what an index proposes is looked up by its numbers: SQLite does not go through the namespace for it', () => {
  const opened = openDatabase(temporaryFolder())
  onTestFinished(() => opened.close())
  const { database } = opened
  const asked: string[] = []
  const prepare = (sql: string): Database.Statement => {
    asked.push(sql)
    return database.prepare(sql)
  }
  createVectorTables({ prepare, exec: (sql: string) => database.exec(sql) } as unknown as Database.Database)
  const ofList = asked.filter((sql) => sql.includes('json_each'))
  expect(ofList).toHaveLength(1)
  const plan = database.prepare(`EXPLAIN QUERY PLAN ${ofList[0]}`).all() as { detail: string }[]
  expect(plan.map(({ detail }) => detail.replace(/ VIRTUAL.*/, ''))).toEqual([
    'SCAN asked',
    'SEARCH memory_vector USING INDEX sqlite_autoindex_memory_vector_1 (seq=?)',
    'SEARCH memory USING INTEGER PRIMARY KEY (rowid=?)',
  ])
})
