/** What a file of training text is once it is open, whatever its format. */
import type { Document } from './document.ts'

/** A part of a file: a document, or a part of one that is too long to be read at once. */
export interface Passage {
  /** Undefined where the part has nothing to learn from: a blank line, or a row that cannot be used. */
  readonly document: Document | undefined
  /** As they are in the file. */
  readonly bytes: Uint8Array
  /** Where the next passage begins. */
  readonly next: number
  /** Whether the document goes on in the next passage. */
  readonly continues: boolean
}

/** Rows of a file that cannot be used. */
export interface Unusable {
  readonly count: number
  readonly of: number
  /** The first one's number, counted from 1, and what is wrong with it. */
  readonly first: { readonly number: number; readonly problem: string }
}

/** Places in it are bytes. */
export interface DocumentFile {
  readonly name: string
  readonly size: number
  /** Whether all of it is one text, rather than rows. */
  readonly isOneDocument: boolean
  /** What a row is called: a line, or a row of a table. */
  readonly rowName: 'line' | 'row'
  /** The first place at or after `place` where reading may begin. */
  align(place: number): Promise<number>
  /** The passage that begins at `from`; it stays before `to`. The same arguments give the same passage. */
  read(from: number, to: number): Promise<Passage>
  /** The bytes from one place to before another, in chunks. */
  chunks(from: number, to: number): AsyncIterable<Uint8Array>
  /**
   * Reads the whole file and throws DataError where it is not what its format says. Rows that cannot be used are
   * counted. `visit` gets each document of rows.
   */
  check(visit?: (document: Document) => void): Promise<Unusable | undefined>
}
