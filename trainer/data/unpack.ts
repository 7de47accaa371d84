/** Files that cannot be read from the middle (gzip, tables, JSON arrays), unpacked once into a temporary file. */
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { systemReason } from '../../runtime/system-errors.ts'
import { DataError } from './batch.ts'
import { type ByteSource, partSource } from './byte-source.ts'
import { csvRows } from './csv.ts'
import { type FileFormat, type FileKind, refuseBinary } from './file-format.ts'

/** A JSON array is parsed as a whole. */
const maxArrayBytes = 256 * 1024 * 1024

/**
 * One temporary file for all that is unpacked. It has no name once it is open, so the operating system removes it with
 * the process, however that ends.
 */
export class Unpacked {
  #file: FileHandle | undefined
  #size = 0

  /** The text of a gzip file, or the rows of a table or an array as JSONL. Throws DataError. */
  async add(path: string, kind: FileKind): Promise<ByteSource> {
    this.#file ??= await temporaryFile()
    const base = this.#size
    for await (const text of unpackedTexts(path, kind)) await this.#write(path, text)
    return partSource(path, this.#file, base, this.#size - base)
  }

  async #write(path: string, bytes: Buffer): Promise<void> {
    const { bytesWritten } = await this.#file!.write(bytes, 0, bytes.length, this.#size).catch((cause: unknown) => {
      throw new DataError(`${path}: cannot be unpacked into ${tmpdir()}: ${systemReason(cause)}; set TMPDIR`, { cause })
    })
    this.#size += bytesWritten
    if (bytesWritten < bytes.length) await this.#write(path, bytes.subarray(bytesWritten))
  }
}

async function temporaryFile(): Promise<FileHandle> {
  const folder = await mkdtemp(join(tmpdir(), 'mneme-data-'))
  try {
    return await open(join(folder, 'unpacked'), 'w+')
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function* unpackedTexts(path: string, { format, gzip }: FileKind): AsyncGenerator<Buffer> {
  const bytes = gzip ? gunzipped(path) : createReadStream(path)
  if (format === 'text' || format === 'jsonl') yield* checkedHead(bytes, path)
  else for await (const row of rowsOf(path, decoded(bytes, path), format)) yield Buffer.from(`${row}\n`)
}

async function* rowsOf(path: string, texts: AsyncIterable<string>, format: FileFormat): AsyncGenerator<string> {
  if (format === 'json') yield* arrayRows(path, texts)
  else for await (const row of csvRows(texts, format === 'tsv' ? '\t' : ',', path)) yield JSON.stringify(row)
}

async function* gunzipped(path: string): AsyncGenerator<Buffer> {
  const unzip = createGunzip()
  const file = createReadStream(path).on('error', (cause) => unzip.destroy(cause))
  try {
    yield* file.pipe(unzip) as AsyncIterable<Buffer>
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const problem = code === 'Z_BUF_ERROR' ? 'it ends too early' : systemReason(cause)
    throw new DataError(`${path}: expected gzip data: ${problem}`, { cause })
  }
}

async function* checkedHead(bytes: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  let first = true
  for await (const chunk of bytes) {
    if (first) refuseBinary(chunk, path)
    first = false
    yield chunk
  }
}

async function* decoded(bytes: AsyncIterable<Buffer>, path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true })
    yield decoder.decode()
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new DataError(`${path}: expected UTF-8 text, got other bytes; convert it with iconv`, { cause })
  }
}

/** The elements of an array, or the lines of a .json file that is JSONL. */
async function* arrayRows(path: string, texts: AsyncIterable<string>): AsyncGenerator<string> {
  let text = ''
  for await (const part of texts) {
    text += part
    if (text.length > maxArrayBytes)
      throw new DataError(`${path}: expected at most ${maxArrayBytes} bytes of JSON; write it as JSONL: jq -c '.[]'`)
  }
  const value = parsed(text)
  if (Array.isArray(value)) for (const row of value) yield JSON.stringify(row)
  else if (value !== undefined)
    throw new DataError(`${path}: expected an array of rows, got one JSON object; write rows as JSONL, one on a line`)
  else if (parsed(text.slice(0, text.indexOf('\n'))) !== undefined) yield text
  else throw new DataError(`${path}: expected a JSON array, or JSONL with an object on each line; its syntax is wrong`)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
