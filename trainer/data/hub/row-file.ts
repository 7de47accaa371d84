/** What a file of rows is once it is open, whatever its format. */
import type { Document } from '../document.ts'

/** One file's rows. */
export interface RowFile {
  /** The row at a place, undefined where there is nothing in it, and the next one's place in the file. */
  read(at: number): Promise<{ document: Document | undefined; next: number | undefined }>
}
