/** Full pages of append state: shared by all states that passed through them, and stored once. */
import { createHash } from 'node:crypto'
import type Database from 'libsql'
import { sharedCopy } from '../checkpoint.ts'
import { StoreError } from './errors.ts'
import { bytesOf, type Blob } from './turn-row.ts'

/** A page's name: 32 bytes. */
export type PageName = Uint8Array

export interface Pages {
  /**
   * Stores the pages that follow `previous` (null: from the first position on) and returns the name of the last one.
   * The caller then holds one reference to that page. One that is there already is mended where it is damaged.
   */
  add(previous: PageName | null, pages: readonly Uint8Array[], scope: string): PageName | null
  /** All pages up to and including `last`, in order. Throws StoreError `corrupt` if one is missing or damaged. */
  read(last: PageName | null, scope: string): Uint8Array[]
  /** Gives back one reference. Pages that nobody names any more are deleted; returns how many. */
  release(last: PageName | null): number
}

/**
 * A page is named by the hash of what it follows, whose it is (`scope`: owner and bundle) and its bytes. Two states share
 * a page only if everything up to its end has the same bits, and never across owners.
 */
export function createPages(database: Database.Database, table: 'page' | 'prefix_page'): Pages {
  const ofOwner = table === 'page'
  const sql = {
    read: database.prepare(
      `SELECT CAST(previous AS BLOB) AS previous, CAST(bytes AS BLOB) AS bytes FROM ${table} WHERE name = ?`,
    ),
    add: database.prepare(
      `INSERT INTO ${table} (name, previous, refs, bytes${ofOwner ? ', owner' : ''}) VALUES (?, ?, 0, ?${ofOwner ? ', ?' : ''})`,
    ),
    mend: database.prepare(`UPDATE ${table} SET previous = ?, bytes = ? WHERE name = ?`),
    refer: database.prepare(`UPDATE ${table} SET refs = refs + ? WHERE name = ?`),
    free: database.prepare(`SELECT CAST(previous AS BLOB) AS previous FROM ${table} WHERE name = ? AND refs <= 0`),
    remove: database.prepare(`DELETE FROM ${table} WHERE name = ?`),
  }
  return {
    add(previous, pages, scope) {
      let last = previous
      let lastWasLost = false
      for (const bytes of pages) {
        const name = nameOf(last, scope, bytes)
        const row = sql.read.get([blob(name)]) as Row | undefined
        if (!row) sql.add.run(blob(name), last && blob(last), blob(bytes), ...(ofOwner ? [ownerOf(scope)] : []))
        else if (!isRight(row, last, bytes)) sql.mend.run(last && blob(last), blob(bytes), blob(name))
        // A page that is there refers to the one before it, and that is counted unless that one was lost meanwhile.
        if (last && (!row || lastWasLost)) sql.refer.run(1, blob(last))
        lastWasLost = !row
        last = name
      }
      if (last) sql.refer.run(1, blob(last))
      return last
    },
    read(last, scope) {
      const pages: Uint8Array[] = []
      for (let name = last; name !== null;) {
        const row = sql.read.get([blob(name)]) as Row | undefined
        const previous = row?.previous ? bytesOf(row.previous) : null
        if (!row || !Buffer.from(nameOf(previous, scope, bytesOf(row.bytes))).equals(name))
          throw new StoreError('corrupt', 'a page of a stored state is not what was written')
        pages.push(sharedCopy(bytesOf(row.bytes)))
        name = previous
      }
      return pages.toReversed()
    },
    release(last) {
      let removed = 0
      for (let name = last; name !== null;) {
        sql.refer.run(-1, blob(name))
        const free = sql.free.get([blob(name)]) as { previous: Blob | null } | undefined
        if (!free) break
        sql.remove.run([blob(name)])
        removed++
        name = free.previous && bytesOf(free.previous)
      }
      return removed
    },
  }
}

/** A scope is an owner and a bundle. */
function ownerOf(scope: string): string {
  return scope.slice(0, scope.lastIndexOf('\0'))
}

interface Row {
  readonly previous: Blob | null
  readonly bytes: Blob
}

function isRight(row: Row, previous: PageName | null, bytes: Uint8Array): boolean {
  const before = row.previous && bytesOf(row.previous)
  const isLinked = before === null || previous === null ? before === previous : Buffer.compare(before, previous) === 0
  return isLinked && Buffer.compare(bytesOf(row.bytes), bytes) === 0
}

function nameOf(previous: PageName | null, scope: string, bytes: Uint8Array): PageName {
  const head = Buffer.from(`${scope}\0`)
  return createHash('sha256')
    .update(head)
    .update(previous ?? Buffer.alloc(32))
    .update(bytes)
    .digest()
}

/** libsql takes Buffers; a single one has to be wrapped in a list, or it is taken for named parameters. */
function blob(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
