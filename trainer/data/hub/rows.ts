/** All rows of a split, file by file; any of them is found again by its place. */
import { extname } from 'node:path/posix'
import { DataError } from '../batch.ts'
import type { Document, Reading } from '../document.ts'
import { LeftOut } from '../left-out.ts'
import { type HubOptions, type HubSnapshot, openSnapshot } from './client.ts'
import { openLines } from './lines.ts'
import { type HubName, parseHubName } from './name.ts'
import { openParquetRows } from './parquet.ts'
import type { RowFile } from './row-file.ts'
import { splitFiles } from './split.ts'

/** A row of parquet or a byte of lines, in one of the split's files. */
export interface RowPlace {
  readonly file: number
  readonly at: number
}

export interface HubRows {
  readonly commit: string
  readonly files: readonly string[]
  /** The row at a place and the place of the next one; undefined after the last. */
  read(place: RowPlace): Promise<{ document: Document | undefined; next: RowPlace | undefined }>
}

export interface SplitOptions {
  readonly name: string
  readonly split: string
  readonly reading: Reading
  readonly hub: HubOptions
  /** Instead of the revision in the name. */
  readonly commit?: string
  /** Counts the rows that cannot be used. */
  readonly leftOut?: LeftOut
}

/** Where none of so many rows can be used, none is expected to be. */
const unusableFirst = 100

/** Files that stay open, so that their footers are not read again. */
const keptFiles = 2

/** Finds the files of a split at one commit; reads none of them. Throws DataError. */
export async function openHubRows(options: SplitOptions): Promise<HubRows> {
  const { name: text, split, reading, hub, commit, leftOut = new LeftOut() } = options
  const name = parseHubName(text)
  const snapshot = await openSnapshot(name, commit ?? name.revision, hub)
  const files = splitFiles(name, snapshot, split)
  const open = new Map<number, Promise<RowFile>>()
  let anyUsable = false

  function fileAt(index: number): Promise<RowFile> {
    const known = open.get(index)
    if (known !== undefined) return known
    const opening = openFile(name, snapshot, files[index] as string, reading, leftOut)
    open.set(index, opening)
    opening.catch(() => open.delete(index))
    const [oldest] = open.keys()
    if (open.size > keptFiles) open.delete(oldest as number)
    return opening
  }

  return {
    commit: snapshot.commit,
    files,
    async read({ file, at }) {
      const { document, next } = await (await fileAt(file)).read(at)
      anyUsable ||= document !== undefined
      if (!anyUsable && leftOut.count >= unusableFirst)
        throw new DataError(`${text}: none of the first ${unusableFirst} rows can be used: ${leftOut.note()}`)
      if (next !== undefined) return { document, next: { file, at: next } }
      return { document, next: file + 1 < files.length ? { file: file + 1, at: 0 } : undefined }
    },
  }
}

/** The documents of a split from its first to its last one. */
export async function* hubDocuments(options: SplitOptions): AsyncGenerator<Document> {
  const rows = await openHubRows(options)
  for (let place: RowPlace | undefined = { file: 0, at: 0 }; place !== undefined;) {
    const { document, next } = await rows.read(place)
    if (document !== undefined) yield document
    place = next
  }
}

async function openFile(
  name: HubName,
  snapshot: HubSnapshot,
  path: string,
  reading: Reading,
  leftOut: LeftOut,
): Promise<RowFile> {
  const where = `${name.text}: ${path}`
  const remote = await snapshot.open(path)
  return extname(path) === '.parquet'
    ? openParquetRows(remote, where, reading, leftOut)
    : openLines(remote, where, reading, leftOut)
}
