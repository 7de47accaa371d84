import Database from 'libsql'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { scrub } from '../../../server/store/database.ts'
import { wipeUnallocated } from '../../../server/store/unallocated.ts'
import { generator } from '../../support/many-memories.ts'
import { temporaryFolder } from '../../support/temporary.ts'

/** A table that was written in no order, so that pages were split; two of three words were deleted again. */
function written(file: string): Database.Database {
  const database = new Database(file)
  for (const pragma of ['locking_mode = EXCLUSIVE', 'journal_mode = WAL', 'synchronous = OFF', 'secure_delete = ON'])
    database.exec(`PRAGMA ${pragma}`)
  database.exec('CREATE TABLE word (word TEXT, seq INTEGER, PRIMARY KEY (word, seq)) WITHOUT ROWID')
  const insert = database.prepare('INSERT INTO word VALUES (?, ?)')
  const random = generator(1)
  for (let seq = 0; seq < 3000; seq++) insert.run(`secret${Math.floor(random() * 1e9)}`, seq)
  database.exec('DELETE FROM word WHERE seq % 3 > 0')
  return database
}

/** Copies of words in the file; each is in the table once. */
const copiesIn = (file: string): number => readFileSync(file, 'latin1').split('secret').length - 1

test('what was deleted or moved to another page is in no unallocated byte any more, and all else stays', () => {
  const file = join(temporaryFolder(), 'words.db')
  const database = written(file)
  const rows = () => database.prepare('SELECT count(*) AS n, sum(seq) AS seqs, max(word) AS last FROM word').all()
  const before = rows()
  expect(scrub(database)).toBe(true)
  expect(copiesIn(file), 'SQLite alone leaves copies').toBeGreaterThan(1000)
  let batches = 0
  const write = (change: () => void): boolean => {
    batches++
    database.exec('BEGIN IMMEDIATE')
    change()
    database.exec('COMMIT')
    return scrub(database)
  }
  expect(wipeUnallocated(database, write)).toBe(true)
  expect(copiesIn(file)).toBe(1000)
  expect(rows()).toEqual(before)
  expect(database.prepare('PRAGMA integrity_check').all()).toMatchObject([{ integrity_check: 'ok' }])
  const done = batches
  expect(wipeUnallocated(database, write)).toBe(true)
  expect(batches, 'there is nothing left to write').toBe(done)
  database.close()
})
