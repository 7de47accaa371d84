/** A JSONL file: every line is a document, a text or a conversation. */
import type { TextCodec } from '../../runtime/text.ts'
import { DataError } from './batch.ts'
import type { CorpusFile } from './corpus-file.ts'
import { defaultFields, type Document, type Fields, type Mode, toDocument, tokensOf } from './document.ts'
import { decodeUtf8, readBytes } from './read-bytes.ts'

const chunkBytes = 65_536
/** A longer line is taken for a file that is not JSONL. */
export const maxLineBytes = 64 * 1024 * 1024
const newline = 0x0a

/** How the lines are read. */
export interface Reading {
  readonly mode: Mode
  readonly fields: Fields
}

export const plainReading: Reading = { mode: 'pretrain', fields: defaultFields }

/** Opens a file with an object on every line that is not blank (see toDocument). */
export function openJsonlFile(path: string, size: number, codec: TextCodec, reading: Reading): CorpusFile {
  return {
    path,
    size,
    align: (place) => (place <= 0 ? Promise.resolve(0) : afterNewline(path, place - 1, size)),
    async read(from) {
      const { document, next } = await readDocument(path, from, size, reading)
      const tokens = document === undefined ? { ids: [] } : tokensOf(document, reading.mode, codec)
      return { ...tokens, next, ends: true }
    },
  }
}

/** The document of the line at a place, or undefined for a blank one, and where the next line begins. */
export async function readDocument(
  path: string,
  from: number,
  size: number,
  reading: Reading,
): Promise<{ document: Document | undefined; next: number }> {
  const next = await afterNewline(path, from, size)
  return { document: parseLine(await readBytes(path, from, next - from), path, from, reading), next }
}

/** The document of a line's bytes, which begin at `from`; undefined where it is blank. Throws DataError. */
export function parseLine(bytes: Uint8Array, path: string, from: number, reading: Reading): Document | undefined {
  const line = decodeUtf8(bytes, path, from).replace(/^\uFEFF/, '')
  if (line.trim() === '') return undefined
  const where = `${path}: the line at byte ${from}`
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch (cause) {
    throw new DataError(`${where}: expected a JSON object, got ${(cause as Error).message}`, { cause })
  }
  return toDocument(value, reading.mode, reading.fields, where)
}

/** The place after the first newline at or after `place`, or the end of the file. */
async function afterNewline(path: string, place: number, size: number): Promise<number> {
  for (let at = place; at < size; at += chunkBytes) {
    if (at - place > maxLineBytes)
      throw new DataError(`${path}: the line at byte ${place} is longer than ${maxLineBytes} bytes`)
    const found = (await readBytes(path, at, Math.min(chunkBytes, size - at))).indexOf(newline)
    if (found !== -1) return at + found + 1
  }
  return size
}
