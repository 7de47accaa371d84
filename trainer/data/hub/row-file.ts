/** What a file of rows is once it is open, whatever its format. */
import type { Document, Reading } from '../document.ts'
import { tryDocument } from '../jsonl-file.ts'
import type { LeftOut } from '../left-out.ts'

/** One file's rows. */
export interface RowFile {
  /** The row at a place, undefined where there is nothing in it, and the next one's place in the file. */
  read(at: number): Promise<{ document: Document | undefined; next: number | undefined }>
}

/** A row's document; undefined, and counted, where the row cannot be used. */
export function documentOrLeftOut(
  row: unknown,
  reading: Reading,
  where: string,
  leftOut: LeftOut,
): Document | undefined {
  const found = tryDocument(row, reading)
  if (typeof found !== 'string') return found
  leftOut.add(where, found)
  return undefined
}
