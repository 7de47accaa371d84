/**
 * Zeroes what SQLite leaves in the unallocated bytes of a page. With secure_delete it zeroes a deleted cell, but not the copies of
 * cells that stay behind when a page is split or merged and its cells move to another one (rebuildPage in btree.c).
 */
import type Database from 'libsql'

/** These tables hold tensors and no text, and are most of a large file. */
const WITHOUT_TEXT = "('state', 'page', 'prefix_page')"
/** Offsets in the header of a page of a b-tree (https://sqlite.org/fileformat2.html#b_tree_pages). */
const [CELLS, CONTENT] = [3, 5]
const LEAF = 8
const [LEAF_HEADER, INNER_HEADER] = [8, 12]
/** Of the first page, before that header. */
const FILE_HEADER = 100
const MOST_BYTES = 65_536
const ZEROS = Buffer.alloc(MOST_BYTES)

/** Pages whose unallocated bytes are written at once. */
const BATCH = 256

/** Where the unallocated bytes of a page begin and end. */
function unallocatedIn(page: Buffer, number: number): { readonly from: number; readonly to: number } {
  const header = number === 1 ? FILE_HEADER : 0
  const size = (page[header]! & LEAF) === LEAF ? LEAF_HEADER : INNER_HEADER
  const from = header + size + 2 * page.readUInt16BE(header + CELLS)
  return { from, to: page.readUInt16BE(header + CONTENT) || MOST_BYTES }
}

/** Calls `write` once for each batch of changed pages, to be run in a transaction; stops where it returns false. */
export function wipeUnallocated(database: Database.Database, write: (change: () => void) => boolean): boolean {
  const numbers = database
    .prepare(
      `SELECT pageno FROM dbstat WHERE pagetype <> 'overflow' AND unused > 0
        AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name NOT IN ${WITHOUT_TEXT})`,
    )
    .all() as { pageno: number }[]
  const read = database.prepare('SELECT data FROM sqlite_dbpage WHERE pgno = ?')
  const overwrite = database.prepare('UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?')
  let changed: { readonly number: number; readonly page: Buffer }[] = []
  const flush = (): boolean => {
    const pages = changed
    changed = []
    return pages.length === 0 || write(() => pages.forEach(({ number, page }) => overwrite.run(page, number)))
  }
  for (const { pageno: number } of numbers) {
    const page = Buffer.from((read.get(number) as { data: ArrayBuffer | Uint8Array }).data as ArrayBuffer)
    const { from, to } = unallocatedIn(page, number)
    if (page.subarray(from, to).equals(ZEROS.subarray(0, to - from))) continue
    page.fill(0, from, to)
    changed.push({ number, page })
    if (changed.length === BATCH && !flush()) return false
  }
  return flush()
}
