/** The files of a data folder: who may read them, whether they are still the ones that were opened, and what is missing. */
import {
  chmodSync,
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  statfsSync,
  statSync,
} from 'node:fs'
import { readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { StoreError } from './errors.ts'

/** Only the user who runs the server may read what people said. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

/** Bytes of the headers of a SQLite database and of a write-ahead log (sqlite.org/fileformat2.html). */
const DATABASE_HEADER = 100
const LOG_HEADER = 32
const FRAME_HEADER = 24

export interface DataFolder {
  readonly database: string
  readonly log: string
  /** Whether the process that had it before ended as it should, if there was one. */
  readonly wasClosed: boolean
  /** What was noticed about the folder, in sentences. */
  readonly notes: readonly string[]
  /** Throws StoreError `gone` if the database's files have been removed or replaced since `remember` was called. */
  verify(): void
  /** What is free on its disk. */
  freeBytes(): number
  /** From now on the files that are there must stay. */
  remember(): void
  /** Writes down whether the folder is in use or was closed as it should be. A full disk is no reason to fail. */
  mark(closed: boolean): void
}

/** Prepares `folder` for its database. Throws StoreError if its database is missing or cut. */
export function openDataFolder(folder: string): DataFolder {
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE })
  const [database, log, marker] = [join(folder, 'mneme.db'), join(folder, 'mneme.db-wal'), join(folder, 'mneme.json')]
  const before = readMarker(marker)
  const notes: string[] = []
  if (before) notes.push(...inspect(folder, database, log, before.closed))
  for (const file of [database, log, marker]) protect(file, file === database)
  let identities: { file: string; inode: number }[] = []
  return {
    database,
    log,
    notes,
    wasClosed: before?.closed ?? true,
    freeBytes() {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    },
    remember() {
      identities = [database, log].flatMap((file) => {
        const inode = inodeOf(file)
        return inode === null ? [] : [{ file, inode }]
      })
    },
    verify() {
      const missing = identities.find(({ file, inode }) => inodeOf(file) !== inode)
      if (missing)
        throw new StoreError('gone', `${missing.file} was removed or replaced while the server was using it.`)
    },
    mark(closed) {
      try {
        writeMarker(marker, closed)
      } catch {
        // The marker only helps to notice missing files; what it is about is in the database.
      }
    },
  }
}

/** Notes on what is missing after a use that did not end by closing; throws where the database itself is. */
function inspect(folder: string, database: string, log: string, closed: boolean): string[] {
  const bytes = sizeOf(database)
  if (bytes === null || bytes === 0) {
    const found = bytes === null ? 'no such file' : 'an empty file'
    throw new StoreError(
      'corrupt',
      `${database}: expected the database of this data folder, got ${found}. ` +
        `Bring it back from a backup, or empty ${folder} to start anew.`,
    )
  }
  const expected = headerSize(database)
  if (expected !== null && bytes < expected && (sizeOf(log) ?? 0) === 0)
    throw new StoreError('corrupt', `${database}: expected ${expected} bytes, got ${bytes}. Restore it from a backup.`)
  if (closed) return []
  const logBytes = sizeOf(log)
  if (logBytes === null || logBytes === 0) {
    const found = logBytes === null ? 'missing' : 'empty'
    return [`${log} is ${found} although the server was not stopped properly: turns of that time may be lost.`]
  }
  const page = pageSize(log)
  if (page !== null && (logBytes - LOG_HEADER) % (FRAME_HEADER + page) !== 0)
    return [`${log} ends in the middle of a write: it was cut, or the power failed. Turns at its end may be lost.`]
  return []
}

function readMarker(marker: string): { closed: boolean } | null {
  try {
    const { closed } = JSON.parse(readFileSync(marker, 'utf8')) as { closed?: unknown }
    return { closed: closed === true }
  } catch {
    return null // no marker: a new folder, or one of the first format
  }
}

function writeMarker(marker: string, closed: boolean): void {
  const temporary = `${marker}.new`
  const file = openSync(temporary, 'w', FILE_MODE)
  try {
    writeSync(file, `${JSON.stringify({ format: 'mneme-data', closed })}\n`)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(temporary, marker)
}

/** Gives a file the mode that all files of the folder have; `create` makes it if it is not there. */
function protect(file: string, create: boolean): void {
  try {
    if (create) closeSync(openSync(file, 'a', FILE_MODE))
    if ((statSync(file).mode & 0o777) !== FILE_MODE) chmodSync(file, FILE_MODE)
  } catch {
    // Another user's file, or a read-only disk: opening the database says so.
  }
}

function inodeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.ino ?? null
}

function sizeOf(file: string): number | null {
  return statSync(file, { throwIfNoEntry: false })?.size ?? null
}

/** Bytes that the database's header says it has; null if it does not say. */
function headerSize(database: string): number | null {
  const header = readStart(database, DATABASE_HEADER)
  if (header.length < DATABASE_HEADER) return DATABASE_HEADER
  const pageBytes = header.readUInt16BE(16)
  const pages = header.readUInt32BE(28)
  // The page count counts only where the two change counters agree.
  if (header.readUInt32BE(24) !== header.readUInt32BE(92)) return null
  return pages * (pageBytes === 1 ? 65_536 : pageBytes)
}

function pageSize(log: string): number | null {
  const header = readStart(log, LOG_HEADER)
  return header.length < LOG_HEADER ? null : header.readUInt32BE(8)
}

function readStart(path: string, length: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const size = Math.min(length, fstatSync(file).size)
    const bytes = Buffer.alloc(size)
    return bytes.subarray(0, readSync(file, bytes, 0, size, 0))
  } finally {
    closeSync(file)
  }
}
