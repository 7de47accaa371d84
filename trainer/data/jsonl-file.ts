/** A JSONL file: every line is a document, a text or a conversation. */
import { isUtf8 } from 'node:buffer'
import { jsonProblem } from '../files.ts'
import { DataError } from './batch.ts'
import { type ByteSource, chunksOf } from './byte-source.ts'
import { type Document, documentOf, type Reading } from './document.ts'
import type { DocumentFile, Unusable } from './document-file.ts'
import { decodeUtf8 } from './utf8.ts'

const chunkBytes = 65_536
/** A longer line is taken for a file that is not JSONL. */
export const maxLineBytes = 64 * 1024 * 1024
const newline = 0x0a

/** A file with an object on every line that is not blank (see documentOf). */
export function openJsonlFile(
  source: ByteSource,
  reading: Reading,
  rowName: DocumentFile['rowName'] = 'line',
): DocumentFile {
  const { name, size } = source
  return {
    name,
    size,
    isOneDocument: false,
    rowName,
    align: (place) => (place <= 0 ? Promise.resolve(0) : afterNewline(source, place - 1)),
    async read(from) {
      const next = await afterNewline(source, from)
      const bytes = await source.read(from, next - from)
      const row = parseLine(bytes, name, from)
      const found = row === undefined ? undefined : tryDocument(row, reading)
      return { document: typeof found === 'string' ? undefined : found, bytes, next, continues: false }
    },
    chunks: (from, to) => chunksOf(source, from, to),
    check: (visit) => checkLines(source, reading, rowName, visit),
  }
}

/** The value of a line's bytes, which begin at `from`; undefined where it is blank. Throws DataError. */
export function parseLine(bytes: Uint8Array, name: string, from: number): unknown {
  const line = decodeUtf8(bytes, name, from).replace(/^\uFEFF/, '')
  if (line.trim() === '') return undefined
  try {
    return JSON.parse(line)
  } catch (cause) {
    throw new DataError(`${name}: the line at byte ${from}: expected a JSON object: ${jsonProblem(cause)}`, { cause })
  }
}

/** The document of a row, or what keeps it from being one. */
export function tryDocument(row: unknown, reading: Reading): Document | string {
  try {
    return documentOf(row, reading)
  } catch (problem) {
    if (problem instanceof DataError) return problem.message
    throw problem
  }
}

/** Counts what cannot be used; throws DataError for a line that is not JSON, and where no line can be used. */
async function checkLines(
  source: ByteSource,
  reading: Reading,
  rowName: string,
  visit?: (document: Document) => void,
): Promise<Unusable | undefined> {
  const { name } = source
  let [number, rows, count] = [0, 0, 0]
  let first: Unusable['first'] | undefined
  for await (const { bytes, at } of linesOf(source)) {
    number++
    const row = parseNumbered(bytes, name, at, `${rowName} ${number}`)
    if (row === undefined) continue
    rows++
    const found = tryDocument(row, reading)
    if (typeof found === 'string') {
      count++
      first ??= { number, problem: found }
    } else visit?.(found)
  }
  if (rows === 0) throw new DataError(`${name}: expected text, found only empty lines`)
  if (!first) return undefined
  if (count === rows)
    throw new DataError(
      `${name}: ${rowName} ${first.number}: ${first.problem}${rows > 1 ? `; none of ${rows} ${rowName}s can be used` : ''}`,
    )
  return { count, of: rows, first }
}

function parseNumbered(bytes: Uint8Array, name: string, at: number, where: string): unknown {
  if (!isUtf8(bytes)) decodeUtf8(bytes, `${name}: ${where}`, at)
  try {
    const line = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
      .toString('utf8')
      .replace(/^\uFEFF/, '')
    return line.trim() === '' ? undefined : JSON.parse(line)
  } catch (cause) {
    throw new DataError(`${name}: ${where}: expected a JSON object: ${jsonProblem(cause)}`, { cause })
  }
}

/** The lines of a source, with the places of their first bytes. */
async function* linesOf(source: ByteSource): AsyncGenerator<{ bytes: Uint8Array; at: number }> {
  let rest: Buffer = Buffer.alloc(0)
  let at = 0
  for await (const chunk of chunksOf(source)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, start)) {
      yield { bytes: bytes.subarray(start, end), at: at + start }
      start = end + 1
    }
    rest = bytes.subarray(start)
    at += start
    if (rest.length > maxLineBytes) throw tooLong(source.name, at)
  }
  if (rest.length > 0) yield { bytes: rest, at }
}

/** The place after the first newline at or after `place`, or the end of the file. */
async function afterNewline(source: ByteSource, place: number): Promise<number> {
  for (let at = place; at < source.size; at += chunkBytes) {
    if (at - place > maxLineBytes) throw tooLong(source.name, place)
    const found = (await source.read(at, chunkBytes)).indexOf(newline)
    if (found !== -1) return at + found + 1
  }
  return source.size
}

const tooLong = (name: string, place: number): DataError =>
  new DataError(`${name}: the line at byte ${place} is longer than ${maxLineBytes} bytes; is it JSONL?`)
